import { sectionLength } from '../snapshot/section-length.ts';

/**
 * What every file script starts with. Paths arrive as `r` and the text itself, or as `e` and the
 * bytes with octal escapes, since not every transport carries bytes that are not UTF-8.
 * `gone` decides whether a missing path is a confirmed absence; the exit codes are the protocol.
 */
const preamble = `
d() { case $1 in e*) v=$(printf '%b.' "\${1#e}"); v=\${v%.};; *) v=\${1#r};; esac; }
there() { [ -e "$1" ] || [ -L "$1" ]; }
gone() {
  a=$1
  while :; do
    a=\${a%/*}; [ -n "$a" ] || a=/
    if [ -d "$a" ]; then [ -x "$a" ] && exit 44; exit 45; fi
    there "$a" && exit 44
    [ "$a" = / ] && exit 45
  done
}
follow() {
  t=$1; [ -L "$t" ] || return 0
  t=$(readlink -f -- "$1" && printf .) || gone "$1"
  t=\${t%.}; t=\${t%?}
}
parent() { a=\${1%/*}; [ -z "$a" ] || [ -d "$a" ] || mkdir -p -- "$a" || exit 1; }
d "$1"; p=$v
`;

/** Exit codes by which a file script says what it found. Others are failures of a tool. */
export const scriptExit = {
  notFound: 44,
  permissionDenied: 45,
  notRegular: 46,
  alreadyExists: 47,
  notDirectory: 48,
  notEmpty: 49,
} as const;

const { permissionDenied, notRegular, alreadyExists, notDirectory, notEmpty } = scriptExit;

/** The name of one of the scripts. */
export type ScriptName =
  | 'read'
  | 'write'
  | 'append'
  | 'publish'
  | 'stat'
  | 'list'
  | 'exists'
  | 'move'
  | 'remove'
  | 'makeDirectory'
  | 'symlink'
  | 'setMode'
  | 'setModes'
  | 'discard'
  | 'unpack'
  | 'pack'
  | 'survey'
  | 'look'
  | 'sockets'
  | 'tarKind'
  | 'packTree'
  | 'packNamed'
  | 'unpackFile'
  | 'readable'
  | 'place';

/** Finds what a write replaces: `t`, the file itself behind any link. */
const openTarget = `
follow "$p"
[ -d "$t" ] && exit ${notRegular}
[ -e "$t" ] && [ ! -f "$t" ] && exit ${notRegular}
parent "$t"`;

/** Gives the temporary file `n` its mode and its name. */
const publishTarget = `
m=$2
[ -n "$m" ] || { [ -f "$t" ] && m=$(stat -c %a -- "$t"); } || m=644
chmod -- "$m" "$n" && mv -f -- "$n" "$t" && exit 0
rm -f -- "$n"; exit 1`;

/**
 * Prints what is at each argument: names ended by NUL, an empty name, then a line for each that is still there, ended by its
 * name, and NUL. Names may hold newlines, so a line is known by the name that it must end in.
 */
const lookAtEach = `printf "%s\\0" "$@"; printf "\\0"
stat -c "%f|%s|%h|%d:%i|%y|%z|%n" -- "$@" 2>/dev/null; printf "\\0"`;

/** The same in one record for each entry, by GNU find alone. */
const gnuRecord = '%y %m %s %n %D:%i %T@ %C@ %p\\0';

/** Says by the clock of the sandbox when the looking began: seconds, with a fraction where `date` knows one. */
const beginning = `
s=$(date +%s.%N); case $s in *[!0-9.]*|*.) s=$(date +%s);; esac
printf '%s\\0' "$s"`;

/** Of names that were asked for, some may have gone. */
const someGone = 's=$?; [ $s -le 1 ] || [ $s -eq 123 ] || exit $s; exit 0';

/** GNU tar says 1 for files that changed or went away meanwhile, which the host finds out too; others say 1 for everything. */
const someChanged =
  's=$?; [ $s -eq 1 ] && tar --version 2>/dev/null | grep -q GNU && exit 0; exit $s';

/** A pattern of paths below which a tool may meet its limit: a survey does not go into them. */
const longPath = `./${'?'.repeat(sectionLength)}*`;

/** Goes to a directory: a path, and steps from there on, for those whose whole path is longer than a system call takes. */
const enter = `
cd -- "$p" || exit 1
shift
for a do d "$a"; cd -P -- "./$v" || exit 1; done`;

/** The POSIX sh programs behind derived files. They need coreutils or busybox, nothing more. */
const scripts: Readonly<Record<ScriptName, string>> = {
  /** path, offset, length: one byte `k`, then the contents. */
  read: `
[ -f "$p" ] || { [ -e "$p" ] && exit ${notRegular}; gone "$p"; }
[ -r "$p" ] || exit ${permissionDenied}
printf k
if [ "$2" = 0 ] && [ -z "$3" ]; then exec cat -- "$p"; fi
if [ -z "$3" ]; then exec tail -c "+$(($2 + 1))" -- "$p"; fi
tail -c "+$(($2 + 1))" -- "$p" | head -c "$3"`,

  /** path, mode or nothing, name of the temporary file; contents on standard input. */
  write: `
${openTarget}
n=\${t%/*}/$3
umask 077; cat > "$n" || { rm -f -- "$n"; exit 1; }
${publishTarget}`,

  /** path, name of the temporary file, base64 of what to append to it. */
  append: `
${openTarget}
n=\${t%/*}/$2
umask 077; printf %s "$3" | base64 -d >> "$n"`,

  /** path, mode or nothing, name of the temporary file, which takes the path's place. */
  publish: `
${openTarget}
n=\${t%/*}/$3
${publishTarget}`,

  /** path: whether it can be read. */
  readable: `
[ -f "$p" ] || { [ -e "$p" ] && exit ${notRegular}; gone "$p"; }
[ -r "$p" ] || exit ${permissionDenied}`,

  /** path, mode or nothing, name of the temporary file, file that holds the contents and is removed. */
  place: `
trap 'rm -f -- "$4"' EXIT
${openTarget}
n=\${t%/*}/$3
umask 077; cat <"$4" >"$n" || { rm -f -- "$n"; exit 1; }
${publishTarget}`,

  /** path: one record. */
  stat: `
there "$p" || gone "$p"
stat -c '%f|%s|%y|%h' -- "$p" || exit 1
[ ! -L "$p" ] || readlink -n -- "$p"`,

  /** path: names, then records, then link targets; once for each batch of names. */
  list: `
[ -d "$p" ] || { there "$p" && exit ${notDirectory}; gone "$p"; }
[ -r "$p" ] && [ -x "$p" ] && cd -- "$p" || exit ${permissionDenied}
exec find . ! -name . -prune -exec sh -c '
printf "%s\\0" "$@"; printf "\\0"
stat -c "%f|%s|%y|%h|%n" -- "$@"; printf "\\0"
for f; do [ ! -L "$f" ] || { printf "%s\\0=" "$f"; readlink -n -- "$f"; printf "\\0"; }; done
printf "\\0"' sh {} +`,

  exists: `
there "$p" || gone "$p"`,

  /** from, to. */
  move: `
there "$p" || gone "$p"
d "$2"; q=$v
parent "$q"
if [ -d "$q" ] && [ ! -L "$q" ]; then
  [ -d "$p" ] && [ ! -L "$p" ] || exit ${notRegular}
  [ "$(stat -c %d:%i -- "$p")" = "$(stat -c %d:%i -- "$q")" ] && exit 0
  rmdir -- "$q" 2>/dev/null || exit ${notEmpty}
elif [ -L "$q" ] && [ -d "$q" ]; then rm -f -- "$q"
elif [ -e "$q" ] && [ -d "$p" ] && [ ! -L "$p" ]; then exit ${notDirectory}
fi
mv -f -- "$p" "$q"`,

  remove: `
there "$p" || gone "$p"
rm -rf -- "$p"`,

  /** path, mode or nothing. */
  makeDirectory: `
if [ ! -d "$p" ]; then there "$p" && exit ${alreadyExists}; mkdir -p -- "$p" || exit 1; fi
[ -z "$2" ] || chmod -- "$2" "$p"`,

  /** path of the link, target. */
  symlink: `
there "$p" && exit ${alreadyExists}
d "$2"
parent "$p"
ln -s -- "$v" "$p"`,

  /** path, mode. */
  setMode: `
[ -e "$p" ] || gone "$p"
chmod -- "$2" "$p"`,

  /** directory, steps; modes and names by turns, each ended by NUL, on standard input. */
  setModes: `
${enter}
xargs -0 -n 500 sh -c 'while [ $# -gt 0 ]; do chmod -- "$1" "$2" || exit 1; shift 2; done' sh`,

  /** path, name of the temporary file that an interrupted write left, file that held the contents or nothing. */
  discard: `
follow "$p"
rm -f -- "\${t%/*}/$2"
[ -z "$3" ] || rm -f -- "$3"`,

  /** directory, steps: a tar on standard input. Of who is not root, busybox tar leaves out what the umask says. */
  unpack: `
${enter}
umask 000; exec tar -xpof -`,

  /** directory, tar file that is removed. */
  unpackFile: `
trap 'rm -f -- "$2"' EXIT
cd -- "$p" || exit 1
umask 000; tar -xpof "$2"`,

  /** path: a tar of it on standard output, named by its last component. */
  pack: `
there "$p" || gone "$p"
cd -- "\${p%/*}/" && exec tar -cf - -- "./\${p##*/}"`,

  /** directory, steps: when it began, `g` or `s`, then every entry below it, in the form of that letter. */
  survey: `
${enter}
${beginning}
if find . -prune -printf '' 2>/dev/null; then
  printf 'g\\0'
  exec find . -ignore_readdir_race -mindepth 1 -printf '${gnuRecord}' -path '${longPath}' -prune
fi
printf 's\\0'
exec find . ! -name . -exec sh -c '${lookAtEach}' sh {} + -path '${longPath}' -prune`,

  /** directory, steps; names, each ended by NUL, on standard input: the same for these that are still there. */
  look: `
${enter}
${beginning}
if find . -prune -printf '' 2>/dev/null; then
  printf 'g\\0'
  xargs -0 -n 500 sh -c 'exec find "$@" -maxdepth 0 -printf "${gnuRecord}" 2>/dev/null' sh
else
  printf 's\\0'
  xargs -0 -n 500 sh -c '${lookAtEach}' sh
fi; ${someGone}`,

  /** directory: the names of sockets below it, each ended by NUL. */
  sockets: `
cd -- "$p" && exec find . -type s -print0`,

  /** any path: `GNU` where `tar` is GNU's. */
  tarKind: `case $(tar --version 2>/dev/null) in *'GNU tar'*) printf GNU;; esac`,

  /** directory, steps: a tar of all that is in it. */
  packTree: `
${enter}
tar -cf - .; ${someChanged}`,

  /** directory, steps; names, each ended by NUL, on standard input: a tar of these alone, or several one after another. */
  packNamed: `
${enter}
if tar --help 2>&1 | grep -q -e --null; then tar --null --no-recursion -cf - -T -
else xargs -0 -n 500 tar -cf - --no-recursion
fi; ${someChanged}`,
};

/** Program and arguments that run a script on a path. */
export function scriptArgv(name: ScriptName, args: readonly string[]): [string, ...string[]] {
  return ['/bin/sh', '-c', preamble + scripts[name], 'sh', ...args];
}

/** The same, with base64 around its standard input or output for transports that decode text. */
export function textScriptArgv(
  name: ScriptName,
  args: readonly string[],
  encoded: 'input' | 'output' | 'both',
): [string, ...string[]] {
  const inner = scriptArgv(name, args);
  // The script's own status must survive the pipe, so it takes a way of its own: descriptor 3.
  const decoded = encoded === 'both' ? 'base64 -d | ' : '';
  const wrapped =
    encoded === 'input'
      ? 'base64 -d | "$@"'
      : `exec 4>&1; s=$({ ${decoded}{ "$@" 3>&- 4>&-; echo $? >&3; } | base64 >&4; } 3>&1); exit "$s"`;
  return ['/bin/sh', '-c', wrapped, 'sh', ...inner];
}

/** One way to run `true` behind bubblewrap. */
export interface LaunchVariant {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

const base =
  '--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --unshare-all'.split(
    ' ',
  );
const noPrivilege = ['--unshare-user', '--cap-drop', 'ALL'] as const;
const noNesting = ['--disable-userns', '--ro-bind', '/proc/sys', '/proc/sys'] as const;
const program = ['--die-with-parent', 'true'] as const;

/**
 * What each control of the local provider costs: raw bubblewrap, and then one control more at a time.
 * `seccompFilter` is the file of the provider's own filter.
 */
export function launchVariants(seccompFilter: string): readonly LaunchVariant[] {
  const asRoot = process.getuid?.() === 0;
  const otherUid = [
    'setpriv',
    '--reuid',
    '65534',
    '--regid',
    '65534',
    '--clear-groups',
    '--no-new-privs',
  ];
  const hardened = ['bwrap', ...base, ...noPrivilege, ...noNesting, ...program];
  const staged = ['unshare', '--mount', '--propagation', 'private', ...otherUid, ...hardened];
  const ended = ['timeout', '-s', 'KILL', '3600', ...(asRoot ? staged : hardened)];
  // The shell only opens the filter; what it costs is in the difference too.
  const filtered = ['sh', '-c', 'exec "$@" 9<"$0"', seccompFilter, ...ended].map((word) =>
    word === '--die-with-parent' ? ['--seccomp', '9', word] : [word],
  );
  const variants: (readonly [string, readonly string[]])[] = [
    ['raw bubblewrap', ['bwrap', ...base, ...program]],
    ['+ no capabilities', ['bwrap', ...base, ...noPrivilege, ...program]],
    ['+ no nested namespaces, /proc/sys read-only', hardened],
  ];
  if (asRoot) {
    variants.push(['+ a uid of its own', [...otherUid, ...hardened]]);
    variants.push(['+ a mount namespace to reach its files from', staged]);
  }
  variants.push(['+ ended with its lifetime', ended], ['+ seccomp', filtered.flat()]);
  return variants.map(([name, [first = 'bwrap', ...rest]]) => ({ name, argv: [first, ...rest] }));
}

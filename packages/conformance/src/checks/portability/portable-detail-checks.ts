import type { Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { rehydrated } from '../rehydration/workspace.ts';
import { broughtBack, moved, sameEverywhere } from './journey.ts';

const extraMs = 20_000;

/** Names that some tool or other trips over, each one a file that holds its number. */
const oddNames = `n=0; put() { n=$((n + 1)); printf %s "$n" > "./$1"; }
long=$(printf '%0255d' 7); mkdir -- '-rf' 'two
lines' "$(printf '\\377\\376')"
for place in . ./-rf './two
lines' "./$(printf '\\377\\376')"; do (cd "$place" && put "$long" && put '-n' && put ' lead' && put 'trail ' && put 'new
line' && put "quo'te\\"s" && put 'back\\slash' && put '$(touch x)' && put '*' && put "$(printf 'tab\\there')" && put "$(printf '\\351\\200')" &&
put "$(printf 'caf\\303\\251')" && put "$(printf 'cafe\\314\\201')" && put '.' 2> /dev/null; true) done; [ -f "./-rf/$long" ]`;

/** Every name, by its bytes, and what it holds. */
const allNames =
  "find . -print0 | tr '\\n\\0' '\\1\\n' | LC_ALL=C sort | od -An -v -tx1; find . -type f -exec cat {} + | wc -c";

/** A path of more bytes than a system call takes. */
const deepPath = `d=$(printf '%0200d' 1); i=0; while [ $i -lt 22 ]; do printf "$i" > file; mkdir $d; cd -P ./$d; i=$((i + 1)); done; printf leaf > leaf`;
const deepLook = `d=$(printf '%0200d' 1); while [ -d $d ]; do cat file; cd -P ./$d; done; cat leaf`;

/** Both ways, and one look in each of the three places. */
async function asItWas(
  t: CheckContext,
  script: string,
  look: string,
  what: string,
): Promise<{ readonly places: readonly Sandbox[]; readonly seen: string }> {
  const journey = await moved(t, { script });
  const places = [journey.here, journey.there, await broughtBack(t, journey)];
  return { places, seen: await sameEverywhere(t, look, places, what) };
}

/** Details of a workspace that get lost between unlike providers. */
export const portableDetailChecks: readonly Check[] = [
  must(
    'portability/names',
    'portable-names',
    'every legal name moves, byte for byte',
    async (t) => {
      const { places } = await asItWas(t, oddNames, allNames, 'names');
      const name = Uint8Array.from([0xe9, 0x80]);
      for (const place of places) {
        const held = await place.files.readText(name);
        t.match(held, /^\d+$/, 'what a file holds whose name is no UTF-8');
      }
    },
    { extraMs },
  ),
  must(
    'portability/deep-paths',
    'portable-names',
    'a path that is longer than any system call takes moves as well',
    async (t) => {
      const { seen } = await asItWas(t, deepPath, deepLook, 'files on the way down');
      t.match(seen, /^012345678910.*21leaf$/, 'what is on the way down');
    },
    { extraMs },
  ),
  must(
    'portability/modes',
    'portable-modes',
    'permission bits move, whatever the umask is there; special ones where they are asked for',
    async (t) => {
      const script = `for m in 400 444 600 640 664 711 755 777; do echo $m > f$m; chmod $m f$m; mkdir d$m; done
echo inside > d555; mkdir -p d/closed; echo x > d/closed/file; chmod 555 d/closed; for m in 700 711 750 777; do chmod $m d$m 2> /dev/null || { mkdir d$m; chmod $m d$m; }; done
echo s > special; chmod 2755 special`;
      const look = `stat -c '%a %n' f* d[0-9]* d/closed`;
      const journey = await moved(t, { script });
      const { here, there, store, snapshot } = journey;
      await sameEverywhere(t, look, [here, there], 'modes');
      const bits = await sameEverywhere(t, `stat -c %a special`, [there], 'a special bit');
      t.equal(bits, '755\n', 'mode of what had a special bit, not asked for');
      t.ok(there.origin.lost.includes('special-modes'), 'that special bits are lost is not said');
      const back = await rehydrated(t, await there.snapshot(store), store);
      await sameEverywhere(t, look, [here, back], 'modes, back');
      t.ok(snapshot.contents.files > 0, 'the snapshot holds no file');
    },
    { extraMs },
  ),
  must(
    'portability/times',
    'portable-times',
    'times of files and directories move, in whole seconds, those of long ago and of the future too',
    async (t) => {
      const script = `mkdir -p d/inner e; for f in d/a d/inner/b e/c; do echo x > $f; done; touch -d @1 d/a; touch -d @4102444800 d/inner/b
touch -d @1000000000 e/c; touch -d @1100000000 d/inner; touch -d @1200000000 d; touch -d @1300000000 e`;
      const { seen } = await asItWas(
        t,
        script,
        `stat -c '%Y %n' d d/a d/inner d/inner/b e e/c`,
        'times',
      );
      t.equal(
        seen.split('\n').map((line) => Number(line.split(' ')[0])),
        [1_200_000_000, 1, 1_100_000_000, 4_102_444_800, 1_300_000_000, 1_000_000_000, 0],
        'times',
      );
    },
    { extraMs },
  ),
  must(
    'portability/absolute-links',
    'portable-paths',
    'an absolute link into /workspace leads to the same file at the other provider',
    async (t) => {
      const script = `mkdir -p bin d/e; echo told > d/file; ln -s /workspace/d/file direct; ln -s /workspace/d/e/../file around
ln -s /workspace/direct d/e/twice; ln -s ../file d/e/relative; ln -s /workspace/none dangling; ln -s loop loop; ln d/file d/twin`;
      const look =
        'for l in direct around d/e/twice d/e/relative dangling loop; do readlink $l; done; stat -c %h d/file';
      const { places, seen } = await asItWas(t, script, look, 'targets of links');
      t.match(seen, /^\/workspace\/d\/file\n/, 'targets of links');
      for (const place of places.filter(hasWorkspacePath)) {
        const through = 'cat direct around d/e/twice d/e/relative; cd / && cat /workspace/direct';
        t.equal(
          t.succeeded(await place.exec(through), 'reading through links'),
          'told\n'.repeat(5),
          'what is read through links',
        );
      }
    },
    { extraMs },
  ),
  must(
    'portability/scripts',
    'portable-paths',
    'a script whose first line names a program in /workspace runs at the other provider',
    async (t) => {
      const script = `mkdir bin; printf '#!/bin/sh\\nshift 0; echo "through $1" | sed "s|.*/||"\\n' > bin/interpreter
printf '#!/workspace/bin/interpreter\\nnever read as shell\\n' > bin/tool; chmod 755 bin/tool bin/interpreter`;
      const { places } = await asItWas(
        t,
        script,
        'head -n 1 bin/tool; stat -c %a bin/*',
        'scripts',
      );
      for (const place of places.filter(hasWorkspacePath)) {
        const said = t.succeeded(await place.exec(['/workspace/bin/tool']), 'running the script');
        t.equal(said, 'tool\n', 'what the script says');
      }
    },
    { extraMs },
  ),
  must(
    'portability/large',
    'portable-contents',
    'a large file, and one that is mostly a hole, move with all their bytes',
    async (t) => {
      const script = `head -c 3000000 /dev/urandom > large; truncate -s 12000000 hole; printf middle | dd of=hole bs=1 seek=6000000 conv=notrunc 2> /dev/null
truncate -s 5000000 empty`;
      await asItWas(t, script, 'sha256sum large hole empty', 'contents');
    },
    { extraMs },
  ),
];

/** Whether `/workspace` is a path in a sandbox: where there is no isolation it is a directory of the host. */
function hasWorkspacePath({ capabilities }: Sandbox): boolean {
  return capabilities.traits.isolation !== 'none';
}

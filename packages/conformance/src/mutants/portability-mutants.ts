import type { Mutant } from './mutant.ts';
import { taking } from './rehydration-mutants.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** A mutant whose every rehydrated workspace is put into another state, by a script in it. */
function arriving(script: string): NonNullable<Mutant['weaken']> {
  return (provider) =>
    reshapeProvider(provider, {
      provider: (original) => ({
        async rehydrate(snapshot, store, options) {
          const sandbox = await original.rehydrate(snapshot, store, options);
          await sandbox.exec(script);
          return sandbox;
        },
      }),
    });
}

/** Does something to each file of a kind, whatever its name is. */
const each = (tests: string, script: string): string =>
  `find . ${tests} -exec sh -c 'for f; do ${script}; done' sh {} +`;

export const portabilityMutants: readonly Mutant[] = [
  {
    name: 'digest-by-taker',
    breaks: 'mixes the sandbox that it was taken of into the digest',
    kills: ['portability/equal-trees', 'portability/encrypted'],
    weaken: taking((take) => async (store, options) => {
      const taken = await take(store, options);
      return { ...taken, tree: (taken.source?.sandbox ?? '') + taken.tree };
    }),
  },
  {
    name: 'hard-links-parted',
    breaks: 'makes copies of what were names of one file',
    kills: ['portability/equal-trees', 'portability/absolute-links'],
    weaken: arriving(each('-type f -links +1', 'cp -p "$f" "$f.copy" && mv "$f.copy" "$f"')),
  },
  {
    name: 'store-unsealed',
    breaks: 'keeps in an encrypted store what everybody can read there',
    kills: ['portability/encrypted'],
    weaken: taking((take, sandbox) => async (store, options) => {
      const { stdout } = await sandbox.exec('cat record');
      await store.put(`packs/${'0'.repeat(64)}`, new Blob([stdout.text]).stream());
      return take(store, options);
    }),
  },
  {
    name: 'home-without-changes',
    breaks: 'takes a snapshot elsewhere for the one that it started from',
    kills: ['portability/changes'],
    weaken: taking((take) => async (store, options = {}) => {
      const taken = await take(store, options);
      const { parent } = options;
      if (parent === undefined || typeof parent === 'string') return taken;
      return { ...parent, parent: parent.id, work: taken.work };
    }),
  },
  {
    name: 'removals-undone',
    breaks: 'brings back what was removed elsewhere',
    kills: ['portability/changes'],
    weaken: arriving('[ -e moved ] && echo back > gone'),
  },
  {
    name: 'foreign-native-believed',
    breaks: "looks for another provider's native snapshot, and gives up when there is none",
    kills: ['portability/foreign-native'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          async rehydrate(snapshot, store, options) {
            if (options?.native === undefined) return original.rehydrate(snapshot, store, options);
            return original.createFrom(options.native, options);
          },
        }),
      }),
  },
  {
    name: 'moved-names-as-text',
    breaks: 'leaves out what is no UTF-8 or has a line break in it',
    kills: ['portability/names'],
    weaken: arriving(`rm -rf ./*'\n'* "$(printf '\\377\\376')" "$(printf '\\351\\200')"`),
  },
  {
    name: 'deep-paths-cut',
    breaks: 'stops where a path gets too long for a system call',
    kills: ['portability/deep-paths'],
    weaken: arriving(
      `d=$(printf '%0200d' 1); i=0; while [ $i -lt 20 ] && [ -d $d ]; do cd -P ./$d; i=$((i + 1)); done; [ $i -lt 20 ] || rm -rf ./*`,
    ),
  },
  {
    name: 'modes-of-the-umask',
    breaks: 'gives everything the modes that are usual there',
    kills: ['portability/modes'],
    weaken: arriving('chmod -R u+rwX,go=rX .'),
  },
  {
    name: 'times-of-the-move',
    breaks: 'gives everything the time at which it came',
    kills: ['portability/times'],
    weaken: arriving('find . -exec touch {} +'),
  },
  {
    name: 'times-of-directories-lost',
    breaks: 'sets times of directories before it fills them',
    kills: ['portability/times'],
    weaken: arriving('find . -type d -exec touch {} +'),
  },
  {
    name: 'links-of-the-host',
    breaks: 'turns absolute links into ones to where the workspace lies on this provider',
    kills: ['portability/absolute-links'],
    weaken: arriving(
      each('-type l', 't=$(readlink "$f"); case $t in /workspace/*) ln -sfn "/srv$t" "$f";; esac'),
    ),
  },
  {
    name: 'first-lines-rewritten',
    breaks: "points scripts' first lines to a place of this provider's",
    kills: ['portability/scripts'],
    weaken: arriving(`sed -i '1s|^#!/workspace|#!/srv/workspace|' bin/*`),
  },
  {
    name: 'large-files-cut',
    breaks: 'loses the end of what is larger than a mebibyte',
    kills: ['portability/large'],
    weaken: arriving(each('-type f -size +2048', 'truncate -s 1048576 "$f"')),
  },
];

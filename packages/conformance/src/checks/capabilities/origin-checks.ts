import { must, type Check } from '../../check.ts';
import { probe } from '../isolation/probe.ts';
import { creating, undeclared } from './undeclared.ts';

const spec = 'gantry-manifest/1' as const;

/** Capabilities that reach beyond a sandbox, by their numbers in capabilities(7). */
const beyond = { NET_ADMIN: 12, SYS_MODULE: 16, SYS_RAWIO: 17, SYS_PTRACE: 19, SYS_ADMIN: 21 };

const rights = `
while read -r name value; do [ "$name" = CapEff: ] && say held "$value"; done < /proc/self/status
say uid "$(id -u)"; : > owned; say chown "$(can chown 12:34 owned)"
say mount "$(can mount -t tmpfs tmpfs /tmp)"; say sysctl "$(openable /proc/sys/kernel/core_pattern)"
`;

export const originChecks: readonly Check[] = [
  undeclared('privilege', 'privilege', creating({ privilege: 'none' })),
  must(
    'privilege/modes',
    'privilege-modes',
    'a guest has the privilege that was asked for, and none beyond its sandbox',
    async (t) => {
      const modes = t.capabilities.privilege?.modes ?? [];
      for (const privilege of ['none', 'guest-root'] as const) {
        const manifest = { spec, privilege };
        if (!modes.includes(privilege)) {
          await t.rejects('unsupported', () => t.create({ manifest }), `privilege ${privilege}`);
          continue;
        }
        const found = await probe(t, await t.create({ manifest }), rights);
        const held = BigInt(`0x${found.get('held') ?? ''}`);
        const root = privilege === 'guest-root';
        if (!root) t.equal(held, 0n, 'capabilities without privilege');
        t.equal(found.get('uid') === '0', root, `whether the user is root with ${privilege}`);
        t.equal(found.get('chown'), root ? 'yes' : 'no', `chown with ${privilege}`);
        if (t.claims.isolation === 'microvm' || t.claims.isolation === 'hosted') continue;
        for (const [name, bit] of Object.entries(beyond))
          t.equal((held >> BigInt(bit)) & 1n, 0n, `${name} with ${privilege}`);
        t.equal(found.get('mount'), 'no', `mounting with ${privilege}`);
        t.equal(found.get('sysctl'), 'no', `a kernel setting being writable with ${privilege}`);
      }
    },
    { needs: { capability: 'privilege' } },
  ),
  undeclared('images', 'images', creating({ image: 'gantry.invalid/any' })),
  must(
    'images/missing',
    'images-missing',
    'an image that is not there is refused by name, and leaves nothing',
    async (t) => {
      const image = `gantry.invalid/${t.word('none')}`;
      const labels = { group: t.word('group') };
      const create = (): Promise<unknown> => t.create({ manifest: { spec, image }, labels });
      const codes = ['not-found', 'unavailable', 'permission-denied'] as const;
      const error = await t.rejects(codes, create, 'create from an image that is not there');
      t.ok(error.message.includes(image), `the error does not name the image: ${error.message}`);
      if (!t.capabilities.inventory) return;
      for await (const { ref } of t.provider.list({ labels })) t.fail(`${ref.id} is left behind`);
    },
    { needs: { capability: 'images' } },
  ),
];

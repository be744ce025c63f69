import type { ResourceRequest, Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { creating, undeclared } from './undeclared.ts';

const spec = 'gantry-manifest/1' as const;
const needs = { capability: 'resources' } as const;
const mebibyte = 1024 * 1024;
const names = ['cpus', 'memoryBytes', 'pids', 'diskBytes'] as const;
/** Which trait says whether a resource's limit holds. */
const traits = { memoryBytes: 'memory', pids: 'pids', cpus: 'cpu', diskBytes: 'disk' } as const;
/** What every provider that can set them must accept together: see `limits-accept`. */
const modest: Required<ResourceRequest> = {
  cpus: 1,
  memoryBytes: 512 * mebibyte,
  pids: 256,
  diskBytes: 128 * mebibyte,
};

/** What can be set on this host. */
function settable(t: CheckContext): readonly (keyof ResourceRequest)[] {
  return t.capabilities.resources?.settable ?? [];
}

const asked = (
  resources: ResourceRequest,
): { manifest: { spec: typeof spec; resources: ResourceRequest } } => ({
  manifest: { spec, resources },
});

export const resourceChecks: readonly Check[] = [
  undeclared('resources', 'resources', creating({ resources: { memoryBytes: 64 * mebibyte } })),
  must(
    'resources/settable',
    'limits-accept',
    'what is declared settable is accepted, alone and together',
    async (t) => {
      const can = settable(t);
      const wanted = names.filter((name) => can.includes(name));
      const all = Object.fromEntries(wanted.map((name) => [name, modest[name]]));
      for (const resources of [all, ...wanted.map((name) => ({ [name]: modest[name] }))]) {
        const sandbox = await t.create(asked(resources));
        const said = (await sandbox.exec('echo on')).stdout.text;
        t.equal(said, 'on\n', `a command within ${JSON.stringify(resources)}`);
      }
    },
    { needs },
  ),
  must(
    'resources/refuse',
    'limits-refuse',
    'what cannot be limited is refused before anything is made',
    async (t) => {
      const can = settable(t);
      const label = { group: t.word('group') };
      // Also what the driver declares and this host cannot do; and, by core, all that is not declared.
      const { provider: bare, counts } = t.counted((driver) => ({
        ...driver,
        resources: { settable: [] },
      }));
      for (const name of names) {
        const options = { ...asked({ [name]: modest[name] }), labels: label };
        const error = await t.rejects('unsupported', () => t.create(options, bare), name);
        t.equal(error.outcome, 'not-started', `outcome for ${name}`);
        if (can.includes(name)) continue;
        await t.rejects('unsupported', () => t.create(options), `create with ${name}`);
      }
      t.equal(counts.byOperation.get('create') ?? 0, 0, 'creates of the driver');
      if (!t.capabilities.inventory) return;
      for await (const { ref } of t.provider.list({ labels: label }))
        t.fail(`a refused create left ${ref.id} behind`);
    },
    { needs },
  ),
  must(
    'resources/traits',
    'trait-true',
    'what can be limited is enforced, and is declared so',
    async (t) => {
      for (const name of settable(t)) {
        t.equal(
          t.claims.limits[traits[name]],
          'enforced',
          `trait limits.${traits[name]}, which can be set`,
        );
      }
      t.ok(
        Object.values(t.claims.limits).every((value) => value === 'enforced' || value === 'none'),
        'a limit is neither enforced nor none',
      );
    },
    { needs },
  ),
  must(
    'resources/hold',
    'limits-hold',
    'a limit holds for all processes of a sandbox together',
    async (t) => {
      const can = settable(t);
      const each = {
        cpus: holdsCpus,
        memoryBytes: holdsMemory,
        pids: holdsPids,
        diskBytes: holdsDisk,
      };
      await Promise.all(can.map((name) => each[name](t)));
    },
    { needs, extraMs: 20_000 },
  ),
  must(
    'resources/oom',
    'limits-oom',
    'a command that the sandbox’s memory did not suffice for says so, and no other does',
    async (t) => {
      if (!settable(t).includes('memoryBytes')) {
        const create = (): Promise<Sandbox> => t.create(asked({ memoryBytes: 64 * mebibyte }));
        await t.rejects('unsupported', create, 'a limit of memory');
        return;
      }
      const sandbox = await t.create(asked({ memoryBytes: 64 * mebibyte }));
      const killed = await sandbox.exec('kill -KILL $$; sleep 20');
      t.equal(killed.ok, false, 'ok of a command that killed itself');
      const error = await t.rejects(
        'resource-exhausted',
        () => sandbox.exec(`${doubling(24)}; echo all`),
        'a command that takes 256 MiB where 64 are allowed',
      );
      t.equal([error.details['reason'], error.outcome], ['oom', 'unknown'], 'reason and outcome');
      await t.eventually(
        t.limits.settle,
        async () => (await sandbox.exec('echo on').catch(() => undefined))?.ok ?? false,
        'the sandbox working again',
      );
      const later = await sandbox.exec('kill -KILL $$; sleep 20');
      t.equal(later.ok, false, 'ok of a command that killed itself after that');
    },
    { needs, extraMs: 10_000 },
  ),
];

/** A variable of 16 bytes, doubled so many times: plain sh takes what it is given. */
function doubling(times: number): string {
  return `x=0123456789abcdef; i=0; while [ $i -lt ${times} ]; do i=$((i+1)); x=$x$x; done`;
}

/** Eight busy loops for two seconds, where a tenth of a processor is allowed. Other load only helps. */
async function holdsCpus(t: CheckContext): Promise<void> {
  const sandbox = await t.create(asked({ cpus: 0.1 }));
  const line = `read -r from _ < /proc/uptime; pids=
for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & pids="$pids $!"; done
sleep 2; kill -KILL $pids; wait; read -r to _ < /proc/uptime; echo "$from $to"; times`;
  const text = t.succeeded(await sandbox.exec(line, { timeoutMs: t.limits.check }), 'busy loops');
  const [span = '', , children = ''] = text.split('\n');
  const [from = Number.NaN, to = Number.NaN] = span.split(' ').map(Number);
  const used = [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds))
    .reduce((sum, value) => sum + value, 0);
  const allowed = 0.1 * (to - from) * 2 + 0.2;
  t.ok(
    to > from && used <= allowed,
    `${used} s of processor time in ${to - from} s, of which a tenth is allowed`,
  );
}

/** Sixteen processes of at least 16 MiB, each within the limit, where 128 MiB are allowed to all. */
async function holdsMemory(t: CheckContext): Promise<void> {
  const sandbox = await t.create(asked({ memoryBytes: 128 * mebibyte }));
  const hold = `${doubling(20)}; : > held-$1; sleep 60`;
  const line = `for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do (sh -c '${hold}' sh $n; : > dead-$n) >/dev/null 2>&1 & done`;
  t.ok((await sandbox.exec(line)).ok, 'the processes could not be started');
  let dead = 0;
  const decided = async (): Promise<boolean> => {
    const { stdout } = await sandbox.exec('ls').catch(() => ({ stdout: { text: '' } }));
    const found = stdout.text.split('\n');
    dead = found.filter((name) => name.startsWith('dead-')).length;
    return dead > 0 || found.filter((name) => name.startsWith('held-')).length === 16;
  };
  await t.eventually(t.limits.check, decided, 'the end of one process, or 256 MiB held by all');
  t.ok(dead > 0, 'sixteen processes hold 16 MiB each where 128 MiB are allowed in all');
}

/** Four commands that start forty processes each, where 64 are allowed to all. */
async function holdsPids(t: CheckContext): Promise<void> {
  const sandbox = await t.create(asked({ pids: 64 }));
  const line =
    'i=0; while [ $i -lt 40 ]; do i=$((i+1)); sh -c "echo x >> started; exec sleep 20" >/dev/null 2>&1 & done; echo over; wait';
  const bombs = await Promise.allSettled([1, 2, 3, 4].map(() => sandbox.spawn(line)));
  for (const bomb of bombs) {
    if (bomb.status === 'rejected') continue; // It was over the limit already.
    const first = bomb.value.stdout.getReader().read();
    await t.promptly(t.limits.command, first, 'the end of its forks');
  }
  for (const bomb of bombs) if (bomb.status === 'fulfilled') await bomb.value.kill('SIGKILL');
  let started = 0;
  const counted = async (): Promise<boolean> => {
    const text = await sandbox.files.readText('started').catch(() => undefined);
    started = (text?.length ?? 0) / 2;
    return text !== undefined;
  };
  await t.eventually(t.limits.settle + 20_000, counted, 'the sandbox working again');
  t.ok(started <= 64, `${started} processes ran at once where 64 are allowed`);
}

/** Two files, each within the limit. */
async function holdsDisk(t: CheckContext): Promise<void> {
  const sandbox = await t.create(asked({ diskBytes: 32 * mebibyte }));
  const line =
    'head -c 20000000 /dev/zero > one && head -c 20000000 /dev/zero > two && echo both; rm -f one two';
  const { stdout } = await sandbox.exec(line, { timeoutMs: t.limits.check });
  t.ok(stdout.text !== 'both\n', 'two files of 20 MB fit where 32 MiB are allowed in all');
  await sandbox.files.write('again', 'room again');
  t.equal(await sandbox.files.readText('again'), 'room again', 'a file after the others went');
}

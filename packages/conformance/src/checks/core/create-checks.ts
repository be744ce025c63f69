import type { Manifest, Provider, SandboxRef } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { variableOf } from '../variable-of.ts';
import { captureCreates } from './capture-driver.ts';

const spec = 'gantry-manifest/1' as const;

/** What a manifest can ask for, each with the capability that it needs. */
const asks: readonly (readonly [keyof Manifest, string, Omit<Manifest, 'spec'>])[] = [
  ['image', 'images', { image: 'example/none:1' }],
  ['user', 'users', { user: 'nobody' }],
  ['root', 'root', { root: 'read-only' }],
  ['privilege', 'privilege', { privilege: 'guest-root' }],
  ['network', 'network', { network: { mode: 'open' } }],
  ['resources', 'resources', { resources: { memoryBytes: 64 * 1024 * 1024 } }],
  ['ports', 'ports', { ports: [8080] }],
];

async function allGone(
  t: CheckContext,
  provider: Provider,
  refs: readonly SandboxRef[],
): Promise<void> {
  for (const ref of refs) {
    t.adopt(ref);
    // What a driver makes late is destroyed late.
    const gone = async (): Promise<boolean> => (await provider.inspect(ref)).state === 'gone';
    await t.eventually(t.limits.settle, gone, `the end of ${ref.id} after the failed create`);
  }
}

export const createChecks: readonly Check[] = [
  must(
    'core/create-running',
    'create-running',
    'a new sandbox runs commands at once',
    async (t) => {
      const word = t.word();
      const sandbox = await t.create();
      const result = await sandbox.exec(['printf', '%s', word]);
      t.equal(t.succeeded(result, 'the first command'), word, 'its output');
      t.equal((await sandbox.inspect()).state, 'running', 'state');
    },
  ),
  must(
    'core/create-fresh',
    'create-fresh',
    'a new sandbox has an empty workspace that its user can write',
    async (t) => {
      const sandbox = await t.create();
      const listed = t.succeeded(await sandbox.exec('ls -A . | wc -l'), 'listing of the workspace');
      t.equal(Number(listed), 0, 'entries in a fresh workspace');
      t.equal((await sandbox.files.list('.')).length, 0, 'entries by files.list');
      const result = await sandbox.exec('mkdir new && printf yes > new/file && cat new/file');
      t.equal(t.succeeded(result, 'writing as the user'), 'yes', 'what was written');
    },
  ),
  must(
    'core/create-unique',
    'create-unique',
    'creates give different sandboxes with unguessable ids',
    async (t) => {
      const sandboxes = await Promise.all([t.create(), t.create(), t.create()]);
      const ids = sandboxes.map(({ ref }) => ref.id);
      t.equal(new Set(ids).size, 3, 'number of different ids');
      for (const id of ids) t.ok(id.length >= 16, `id ${id} has fewer than 16 characters`);
      for (const [index, id] of ids.entries()) {
        const next = ids[(index + 1) % ids.length] ?? '';
        const differing = id.split('').filter((character, at) => character !== next[at]).length;
        t.ok(differing >= 8, `ids ${id} and ${next} differ in ${differing} characters only`);
      }
      await Promise.all(
        sandboxes.map((sandbox, index) => sandbox.files.write('mine', ids[index] ?? '')),
      );
      const read = await Promise.all(sandboxes.map((sandbox) => sandbox.files.readText('mine')));
      t.equal(read, ids, 'what each sandbox keeps of its own');
    },
  ),
  must(
    'core/create-env',
    'create-env',
    "the request's environment reaches every process, also after connect",
    async (t) => {
      const value = `${t.word()} "two"\nlines`;
      const sandbox = await t.create({ manifest: { spec, env: { GANTRY_ONE: value } } });
      const show = variableOf('GANTRY_ONE');
      t.equal((await sandbox.exec(show)).stdout.text, `${value}\n`, 'by exec');
      t.equal(
        (await sandbox.exec('sh -c \'printf "%s" "$GANTRY_ONE"\'')).stdout.text,
        value,
        'in a child',
      );
      const again = await t.provider.connect(sandbox.ref);
      t.equal((await again.exec(show)).stdout.text, `${value}\n`, 'after connect');
      await again.release();
    },
  ),
  must(
    'core/create-env-other-process',
    'create-env',
    'the environment is there for a client in another process',
    async (t) => {
      const value = t.word('value');
      const sandbox = await t.create({ manifest: { spec, env: { GANTRY_FAR: value } } });
      const answer = await t.otherProcess({
        do: 'exec',
        ref: sandbox.ref,
        command: 'printf %s "$GANTRY_FAR"',
      });
      t.equal(answer.stdout, value, 'the variable as another process sees it');
    },
    { needs: { otherProcess: true } },
  ),
  must(
    'core/create-refuse',
    'create-refuse',
    'what the provider does not declare is refused before anything happens',
    async (t) => {
      const { provider, counts } = t.counted();
      for (const [field, capability, rest] of asks) {
        if (capability in t.capabilities) continue;
        const manifest: Manifest = { spec, ...rest };
        await t.rejects(
          'unsupported',
          () => t.create({ manifest }, provider),
          `create with ${field}`,
        );
      }
      t.equal(counts.byOperation.get('create') ?? 0, 0, 'calls of the driver for refused creates');
      const sandbox = await t.create({}, provider);
      t.succeeded(
        await sandbox.exec('test -w /workspace || test -w .'),
        'a create that asks for nothing',
      );
      t.equal(counts.byOperation.get('create'), 1, 'calls of the driver for a good create');
    },
  ),
  must(
    'core/create-abort',
    'create-nothing-left',
    'an aborted create leaves nothing',
    async (t) => {
      for (const after of [1, 8, 25]) {
        const captured = captureCreates();
        const provider = t.provider.wrap(captured.wrapper);
        const outcome = await t.create({ signal: AbortSignal.timeout(after) }, provider).then(
          (sandbox) => sandbox.destroy(),
          (error: unknown) => error,
        );
        if (outcome !== undefined) {
          await t.rejects(
            'cancelled',
            async () => {
              // oxlint-disable-next-line typescript/only-throw-error -- whatever it was
              throw outcome;
            },
            `create aborted after ${after} ms`,
          );
        }
        await allGone(t, t.provider, captured.refs);
      }
      // Surely while the driver works: the abort comes when it has made the sandbox.
      const captured = captureCreates();
      const control = new AbortController();
      const provider = t.provider.wrap((driver) => ({
        ...captured.wrapper(driver),
        async create(request, call) {
          const handle = await captured.wrapper(driver).create(request, call);
          control.abort();
          return handle;
        },
      }));
      await t.rejects(
        'cancelled',
        () => t.create({ signal: control.signal }, provider),
        'create aborted at its end',
      );
      t.equal(captured.refs.length, 1, 'sandboxes that the driver made');
      await allGone(t, t.provider, captured.refs);
    },
  ),
  must(
    'core/create-failure',
    'create-nothing-left',
    'a create whose set-up fails leaves nothing',
    async (t) => {
      const captured = captureCreates();
      const provider = t.provider.wrap(captured.wrapper);
      const manifest: Manifest = { spec, setup: ['true', 'echo told-you >&2; exit 3'] };
      const error = await t.rejects(
        'failed-precondition',
        () => t.create({ manifest }, provider),
        'create',
      );
      t.match(
        JSON.stringify(error.details),
        /told-you/,
        'what the failed command said, in the error',
      );
      t.equal(captured.refs.length, 1, 'sandboxes that the driver made');
      await allGone(t, t.provider, captured.refs);
    },
  ),
  must(
    'core/create-least',
    'create-least',
    'what is not asked for defaults to the least',
    async (t) => {
      const captured = captureCreates();
      const sandbox = await t.create({}, t.provider.wrap(captured.wrapper));
      const request = captured.requests[0];
      t.equal(request?.network, { mode: 'none' }, 'network of a plain request');
      t.ok((request?.privilege ?? 'none') === 'none', 'privilege of a plain request is not none');
      t.equal(request?.mounts ?? [], [], 'mounts of a plain request');
      const result = await sandbox.exec('printf "%s" "${LD_PRELOAD:-}${SSH_AUTH_SOCK:-}least"');
      t.equal(t.succeeded(result, 'a command'), 'least', 'nothing of the host in the environment');
    },
  ),
  must(
    'core/workspace-path',
    'workspace-path',
    '/workspace is the working directory and a valid path',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('/workspace/at/absolute', 'here');
      t.equal(
        await sandbox.files.readText('at/absolute'),
        'here',
        'the same file by a relative path',
      );
      const result = await sandbox.exec('cat at/absolute', { cwd: '/workspace' });
      t.equal(t.succeeded(result, 'a command in /workspace'), 'here', 'the file from a command');
      t.equal(
        (await sandbox.exec('pwd; pwd -P', { cwd: '/workspace/at' })).stdout.text.split('\n')
          .length,
        3,
        'lines of pwd',
      );
      if (t.claims.isolation === 'none') return;
      const inside =
        'ln -s /workspace/at/absolute link && cat link && printf "#!/workspace/at/../run\\n" >s && [ "$PWD" = /workspace ]';
      t.equal(
        t.succeeded(await sandbox.exec(inside), 'an absolute link'),
        'here',
        'the file through it',
      );
    },
  ),
];

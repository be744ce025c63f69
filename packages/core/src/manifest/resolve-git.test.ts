import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import type { MadeRepository } from '../../test/manifest/git-repository.ts';
import { makeRepository } from '../../test/manifest/git-repository.ts';
import type { GitServer } from '../../test/manifest/git-server.ts';
import { gitServer } from '../../test/manifest/git-server.ts';
import type { HostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import { freshCall, hostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import type { Call } from '../contract/call.ts';
import type { GitEntry, ManifestEntry, MaterializeReceipt } from '../contract/manifest-types.ts';
import type { SecretResolver } from '../contract/secret-rule.ts';
import { materialize } from './materialize.ts';
import type { Plan } from './plan-types.ts';
import { planManifest } from './plan-manifest.ts';
import { resolveManifest } from './resolve-manifest.ts';
import type { TemporaryDirectory } from './temporary-directory.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const token = 'canary-4e1f-secret';
const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;

let home: TemporaryDirectory;
let server: GitServer;
let other: GitServer;
let made: MadeRepository;
beforeAll(async () => {
  home = await temporaryDirectory('test-git');
  const [root, otherRoot] = [path.join(home.path, 'one'), path.join(home.path, 'two')];
  mkdirSync(root);
  mkdirSync(otherRoot);
  made = makeRepository(path.join(root, 'repo.git'));
  other = await gitServer(otherRoot);
  server = await gitServer(root, { authorization, redirectTo: other.origin });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

let workspace: HostWorkspace;
let scratch = '';
beforeEach(async () => {
  workspace = await hostWorkspace();
  scratch = path.join(workspace.base, 'tmp');
  mkdirSync(scratch);
  vi.stubEnv('TMPDIR', scratch);
  vi.stubEnv('GIT_SSL_CAINFO', server.certificate);
  server.requests.length = 0;
  other.requests.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  // Whatever happened, nothing of it is left on the host.
  const left = readdirSync(scratch);
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  await workspace[Symbol.asyncDispose]();
});

interface Applied {
  readonly plan: Plan;
  readonly receipt: MaterializeReceipt;
}

async function apply(
  entry: Partial<GitEntry>,
  options: { secrets?: SecretResolver; call?: Call; more?: Record<string, ManifestEntry> } = {},
): Promise<Applied> {
  const { call = freshCall(), secrets, more } = options;
  const git: GitEntry = { type: 'git', url: `${server.origin}/repo.git`, ...entry };
  const resolved = await resolveManifest(
    { spec: 'gantry-manifest/1', entries: { repo: git, ...more } },
    { baseDirectory: home.path, call, ...(secrets === undefined ? {} : { secrets }) },
  );
  const plan = planManifest(resolved, workspace);
  return { plan, receipt: await materialize(resolved, plan, workspace, call) };
}

const at = (name: string): string => path.join(workspace.workspace, 'repo', name);

function gitInside(...argv: string[]): string {
  const env = { PATH: process.env['PATH'], HOME: scratch, GIT_CONFIG_NOSYSTEM: '1' };
  // Root may look into what another user owns only when told so.
  const safe = ['-c', 'safe.directory=*'];
  return execFileSync('git', [...safe, ...argv], { cwd: at('.'), env })
    .toString()
    .trim();
}

test('a ref is pinned, arrives whole, and works as a repository that knows no remote', async () => {
  const { plan, receipt } = await apply(
    {},
    { more: { 'repo/.env': { type: 'file', text: 'A=1\n' } } },
  );
  expect(receipt.commits).toEqual({ repo: made.last });
  expect(plan.entries.find((entry) => entry.path === 'repo')).toMatchObject({ commit: made.last });
  expect(workspace.calls).toEqual(['putArchive', 'run']);
  expect(readFileSync(at('a.txt'), 'utf8')).toBe('two\n');
  expect(lstatSync(at('run')).mode & 0o777).toBe(0o755);
  expect(readlinkSync(at('d/link'))).toBe('../a.txt');
  expect(readdirSync(at('s'))).toEqual([]);
  expect(gitInside('rev-parse', 'HEAD')).toBe(made.last);
  expect(gitInside('rev-list', '--count', 'HEAD')).toBe('1');
  expect(gitInside('remote')).toBe('');
  expect(gitInside('status', '--porcelain')).toBe('?? .env');
  const names = readdirSync(at('.git'));
  for (const left of ['FETCH_HEAD', 'ORIG_HEAD', 'hooks', 'logs'])
    expect(names).not.toContain(left);
  expect(readFileSync(at('.git/config'), 'utf8')).not.toContain(server.origin);
  const grep = `grep -raF -e 127.0.0.1 '${at('.git')}' || test $? = 1`;
  expect(execFileSync('sh', ['-c', grep]).toString()).toBe('');
});

test('branches, tags, full refs and full commits', async () => {
  const commit = async (ref: string): Promise<string | undefined> =>
    (await apply({ ref })).receipt.commits['repo'];
  expect(await commit('v1')).toBe(made.first);
  expect(await commit('refs/heads/both')).toBe(made.first);
  expect(await commit('refs/tags/both')).toBe(made.last);
  server.requests.length = 0;
  expect(await commit(made.first)).toBe(made.first);
  expect(readFileSync(at('a.txt'), 'utf8')).toBe('one\n');
  expect((await caught(() => apply({ ref: 'both' }))).message).toContain('both a branch and a tag');
  const missing = await caught(() => apply({ ref: made.first.slice(0, 8) }));
  expect(missing.code).toBe('not-found');
  const unknown = await caught(() => apply({ ref: '1'.repeat(40) }));
  expect(unknown.code).toBe('failed-precondition');
  expect(unknown.message).toContain('git fetch of');
});

test('the plan is the same for the same commit by any ref, and made without fetching', async () => {
  const [byName, byCommit] = [await apply({ ref: 'v1' }), await apply({ ref: made.first })];
  expect(byName.plan.digest).toBe(byCommit.plan.digest);
  expect(byName.plan.manifestDigest).not.toBe(byCommit.plan.manifestDigest);
});

test('a tracked link that leaves the repository is refused by name', async () => {
  const error = await caught(() => apply({ ref: 'leaving' }));
  expect(error.code).toBe('failed-precondition');
  expect(error.message).toContain('the symbolic link d/out');
  expect(workspace.calls).toEqual([]);
});

test.each<[string, string, SecretResolver | undefined]>([
  ['the environment', 'env:GANTRY_TEST_TOKEN', undefined],
  ['a file', 'file:TOKEN_FILE', undefined],
  ['a resolver', 'vault/git', (reference) => (reference === 'vault/git' ? token : undefined)],
])(
  'a private repository by a secret from %s, which stays nowhere',
  async (_where, reference, secrets) => {
    vi.stubEnv('GANTRY_TEST_TOKEN', token);
    const file = path.join(home.path, 'token');
    writeFileSync(file, `${token}\n`);
    // Sees every argument that git is started with, and then starts it.
    const [bin, log] = [path.join(workspace.base, 'git-bin'), path.join(workspace.base, 'argv')];
    mkdirSync(bin);
    const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim();
    writeFileSync(
      path.join(bin, 'git'),
      `#!/bin/sh\necho "$@" >>'${log}'\nls -A "$HOME" >>'${log}.home'\nexec ${real} "$@"\n`,
    );
    chmodSync(path.join(bin, 'git'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    const secret = reference.replace('TOKEN_FILE', file);
    const applied = await apply(
      { url: `${server.origin}/private/repo.git`, secret },
      secrets === undefined ? {} : { secrets },
    );
    expect(applied.receipt.commits['repo']).toBe(made.last);
    expect(new Set(server.requests.map((request) => request.authorization))).toEqual(
      new Set([authorization]),
    );
    expect(readFileSync(log, 'utf8')).toContain('fetch');
    expect(readFileSync(`${log}.home`, 'utf8')).toBe('');
    const encoded = authorization.slice('Basic '.length);
    const said = readFileSync(log, 'utf8') + JSON.stringify(applied);
    for (const canary of [token, encoded]) {
      expect(said).not.toContain(canary);
      const grep = `grep -raF -e '${canary}' '${workspace.workspace}' || test $? = 1`;
      expect(execFileSync('sh', ['-c', grep]).toString()).toBe('');
    }
  },
);

test('a wrong or missing secret fails without asking anyone and without telling it', async () => {
  const url = `${server.origin}/private/repo.git`;
  const wrong = await caught(() => apply({ url, secret: 'x' }, { secrets: () => 'wrong-canary' }));
  expect(wrong.code).toBe('failed-precondition');
  expect(JSON.stringify(wrong)).not.toContain('wrong-canary');
  const unknown = await caught(() => apply({ url, secret: 'env:GANTRY_NOT_SET' }));
  expect(unknown.message).toContain('the secret env:GANTRY_NOT_SET is not known here');
  const none = await caught(() => apply({ url }));
  expect(none.message).toContain('git ls-remote of');
});

test('what git repeats of a credential is in no error, in whatever form; who asks is told it', async () => {
  const bin = path.join(workspace.base, 'git-bin');
  mkdirSync(bin);
  const script = '#!/bin/sh\necho "refused: pass-canary"; env | grep Authorization >&2; exit 1\n';
  writeFileSync(path.join(bin, 'git'), script.replace('echo', '>&2 echo'), { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  const told: string[] = [];
  const call = {
    ...freshCall(),
    onSecret: (...each: [string, string]) => told.push(each.join(' ')),
  };
  const url = `${server.origin}/private/repo.git`;
  const error = await caught(() =>
    apply({ url, secret: 'x' }, { secrets: () => 'someone:pass-canary', call }),
  );
  expect(error.message).toContain('refused: [redacted:secret]');
  expect(error.message).toContain('Authorization: Basic [redacted:secret]');
  expect(told).toEqual(['x someone:pass-canary', 'x pass-canary']);
});

test('a redirect is not followed, so a credential goes to no other host', async () => {
  // The other host is trusted, so that nothing but the refusal to follow stops git.
  const both = path.join(workspace.base, 'both.pem');
  writeFileSync(both, [server, other].map((each) => readFileSync(each.certificate)).join('\n'));
  vi.stubEnv('GIT_SSL_CAINFO', both);
  const url = `${server.origin}/moved/repo.git`;
  const error = await caught(() => apply({ url, secret: 'x' }, { secrets: () => token }));
  expect(error.code).toBe('failed-precondition');
  expect(server.requests.length).toBeGreaterThan(0);
  expect(other.requests).toEqual([]);
});

test('the configuration of this host and of this directory is not used', async () => {
  const marker = path.join(workspace.base, 'marker');
  const evil = path.join(workspace.base, 'evil');
  writeFileSync(evil, `#!/bin/sh\necho ran >>'${marker}'\n`);
  chmodSync(evil, 0o755);
  const configuration = `[core]\n\tfsmonitor = ${evil}\n\thooksPath = ${workspace.base}/hooks\n\tsshCommand = ${evil}\n[filter "evil"]\n\tsmudge = ${evil}\n\trequired = true\n[credential]\n\thelper = !${evil}\n[init]\n\ttemplateDir = ${workspace.base}/template\n[url "file:///"]\n\tinsteadOf = https://\n`;
  const fakeHome = path.join(workspace.base, 'home');
  mkdirSync(path.join(workspace.base, 'hooks'));
  mkdirSync(path.join(workspace.base, 'template/hooks'), { recursive: true });
  mkdirSync(fakeHome);
  for (const hook of ['hooks/post-checkout', 'template/hooks/post-checkout']) {
    writeFileSync(path.join(workspace.base, hook), `#!/bin/sh\necho ran >>'${marker}'\n`, {
      mode: 0o755,
    });
  }
  writeFileSync(path.join(fakeHome, '.gitconfig'), configuration);
  vi.stubEnv('HOME', fakeHome);
  vi.stubEnv('GIT_CONFIG_GLOBAL', path.join(fakeHome, '.gitconfig'));
  vi.stubEnv('GIT_CONFIG_PARAMETERS', `'core.fsmonitor'='${evil}'`);
  vi.stubEnv('GIT_TEMPLATE_DIR', path.join(workspace.base, 'template'));
  vi.stubEnv('GIT_EXEC_PATH', workspace.base);
  vi.stubEnv('GIT_ASKPASS', evil);
  vi.stubEnv('GIT_ALLOW_PROTOCOL', 'file:ext');
  const { receipt } = await apply({});
  expect(receipt.commits['repo']).toBe(made.last);
  expect(() => lstatSync(marker)).toThrow('ENOENT');
});

test('abort kills git at once, with the child that transfers', async () => {
  const abort = new AbortController();
  const applying = apply(
    { url: `${server.origin}/hang/repo.git` },
    { call: freshCall(abort.signal) },
  );
  const { closed } = await server.hanging;
  abort.abort(new Error('enough'));
  await expect(applying).rejects.toThrow('enough');
  await closed;
});

test('ssh runs without a prompt or a configuration, and only as git asks', async () => {
  const [bin, log] = [path.join(workspace.base, 'ssh-bin'), path.join(workspace.base, 'ssh-argv')];
  mkdirSync(bin);
  const bare = path.join(home.path, 'one', 'repo.git');
  const program = `#!/bin/sh\nprintf '%s\\n' "$@" >>'${log}'\nexec git-upload-pack '${bare}'\n`;
  writeFileSync(path.join(bin, 'ssh'), program, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  for (const url of ['ssh://git@example.invalid:2222/repo.git', 'git@example.invalid:repo.git']) {
    expect((await apply({ url })).receipt.commits['repo']).toBe(made.last);
  }
  const argv = readFileSync(log, 'utf8').split('\n');
  for (const wanted of [
    '/dev/null',
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'git@example.invalid',
    '2222',
  ]) {
    expect(argv).toContain(wanted);
  }
});

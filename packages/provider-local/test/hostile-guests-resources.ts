import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { beside } from './beside.ts';
import { eventually, isRoot, type Scenario, shell } from './scenario.ts';

const mebibyte = 1 << 20;

/** Starts children until that is refused; says how many there were and why there is no further one. */
const forkAll = `$| = 1; my ($n, $error) = (0, 0);
while ($n < 4096) { my $pid = fork; if (!defined $pid) { $error = $! + 0; last } if ($pid == 0) { sleep 100000; exit } $n++ }
print "$n $error\\n"; kill "KILL", 0;`;

const [EAGAIN, ENOSPC] = [11, 28];

/** Makes files until that is refused; says how many there are and why there is no further one. */
const makeFiles = `my $n = 0; while ($n < 1000000) { open(my $file, ">", "$ARGV[0]/$n") or last; $n++ } print "$n ", $! + 0, "\\n";`;

/** Guests that take all they can get: there is a bound, and the others have what is theirs. */
export const resourceAttacks: readonly Scenario[] = [
  beside(
    'keeps a fork bomb inside: the sandbox recovers, and its neighbor and the host answer meanwhile',
    async ({ provider }, neighbor) => {
      const manifest = { spec: 'gantry-manifest/1', resources: { pids: 150 } } as const;
      await using bombed = await provider.create({ manifest });
      const bomb = await bombed.spawn('bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000');
      for (let round = 0; round < 20; round += 1) {
        await neighbor.answers();
        const { pids = Infinity } = await bombed.metrics();
        assert.ok(pids <= 160, `${pids} processes of 150`);
      }
      await bomb.kill('SIGKILL');
      assert.deepEqual(await bomb.exit, { signal: 'SIGKILL' });
      assert.equal(await shell(bombed, 'echo recovered'), 'recovered\n');
      // Their parent has yet to take note of those that are dead.
      await eventually(
        async () => ((await bombed.metrics()).pids ?? Infinity) < 20,
        'the bomb is gone',
      );
    },
  ),
  beside(
    'tells 4096 children that there are no more processes, and runs commands when they are gone',
    async ({ provider }, neighbor) => {
      const manifest = { spec: 'gantry-manifest/1', resources: { pids: 200 } } as const;
      await using sandbox = await provider.create({ manifest });
      const forking = sandbox.exec(['setsid', 'perl', '-e', forkAll]);
      await neighbor.answers();
      const [children, error] = (await forking).stdout.text.trim().split(' ').map(Number);
      assert.ok((children ?? 0) > 50 && (children ?? Infinity) < 200, `${children} children`);
      assert.equal(error, EAGAIN);
      assert.equal(await shell(sandbox, 'echo recovered'), 'recovered\n');
    },
  ),
  beside(
    'kills the guest alone when it takes more memory than it may, and says so',
    async ({ provider }, neighbor) => {
      const resources = { memoryBytes: 64 * mebibyte };
      const request = { manifest: { spec: 'gantry-manifest/1', resources } } as const;
      if (!isRoot) {
        // Without control groups nothing holds it for the sandbox as a whole, so it is refused.
        await assert.rejects(provider.create(request), { code: 'unsupported' });
        return;
      }
      await using sandbox = await provider.create(request);
      const bombs = [1, 2, 3].map(() => sandbox.exec('exec tail </dev/zero'));
      for (const bomb of bombs) bomb.catch(() => undefined);
      for (let round = 0; round < 5; round += 1) await neighbor.answers();
      for (const bomb of bombs) {
        await assert.rejects(bomb, (error: { code?: string; details?: { reason?: string } }) => {
          assert.deepEqual([error.code, error.details?.reason], ['resource-exhausted', 'oom']);
          return true;
        });
      }
      assert.equal(await shell(sandbox, 'echo alive'), 'alive\n');
    },
  ),
  beside(
    'fills its workspace with bytes and with files: both end, and the host’s disk has none of it',
    async ({ provider, stateDirectory }, neighbor) => {
      const resources = { diskBytes: 8 * mebibyte };
      await using sandbox = await provider.create({
        manifest: { spec: 'gantry-manifest/1', resources },
      });
      const filled = await sandbox.exec('head -c 20000000 /dev/zero >big');
      assert.match(filled.stderr.text, /No space left on device/);
      await neighbor.answers();
      await shell(sandbox, 'rm big; mkdir many');
      const made = await shell(sandbox, `perl -e '${makeFiles}' many`);
      const [files, error] = made.trim().split(' ').map(Number);
      assert.ok((files ?? Infinity) <= 2_048, `${files} files`);
      assert.equal(error, ENOSPC);
      await neighbor.answers();
      const host = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');
      assert.deepEqual(readdirSync(host), []);
      await shell(sandbox, 'rm -r many; echo fine >again');
    },
  ),
  beside(
    'fills what is in memory: each place has a size, and commands still run',
    async ({ provider, stateDirectory }, neighbor) => {
      await using sandbox = await provider.create();
      for (const place of ['/run', '/dev/shm']) {
        const filled = await sandbox.exec(`head -c 200000000 /dev/zero >${place}/big`);
        assert.match(filled.stderr.text, /No space left on device/, place);
        assert.equal(await shell(sandbox, 'echo still here'), 'still here\n');
        await neighbor.answers();
        await shell(sandbox, `rm ${place}/big`);
      }
      const [, size] = (await shell(sandbox, 'df -B1 --output=size /tmp')).split('\n').map(Number);
      assert.ok((size ?? Infinity) <= 512 * mebibyte, `/tmp has ${size} bytes`);
      const directory = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');
      assert.deepEqual(readdirSync(directory), []);
    },
  ),
];

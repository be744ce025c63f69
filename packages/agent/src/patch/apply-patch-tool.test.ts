import type { RestrictedSandbox } from '@gantry/core';
import { expect, test } from 'vitest';
import { caller, localToolset } from '../../test/local-toolset.ts';
import { createToolset } from '../toolset.ts';

function patchOf(...lines: readonly string[]): { readonly patch: string } {
  return { patch: ['*** Begin Patch', ...lines, '*** End Patch'].join('\n') };
}

const tree =
  'find . -mindepth 1 ! -type d -exec sh -c \'for f; do stat -c "%n %a" "$f"; cat "$f"; done\' sh {} + | sort; find . -type d | sort';

test('files are added, changed, moved and removed by one patch, modes and links kept', async () => {
  const { call, sandbox } = await localToolset({ workingDirectory: 'p' });
  await sandbox.exec(
    'mkdir p; cd p; printf "a\\nb\\n" > run.sh; chmod 755 run.sh; echo x > gone; echo real > real; ln -s real link; ln -s nowhere dangling; printf "\\0\\377" > binary',
  );
  const answer = await call(
    'apply_patch',
    patchOf(
      '*** Add File: new/deep/file.txt',
      '+one',
      '+two',
      '*** Update File: run.sh',
      '*** Move to: bin/run.sh',
      '@@',
      ' a',
      '-b',
      '+c',
      '*** Update File: link',
      '-real',
      '+changed',
      '*** Delete File: gone',
      '*** Delete File: dangling',
      '*** Delete File: binary',
      '*** Add File: gone/is-a-directory-now',
      '+x',
    ),
  );
  expect(answer).toMatch(/^error: /);
  expect((await sandbox.exec('ls p; cat p/gone p/real')).stdout.text).toContain('x\nreal\n');
  const good = await call(
    'apply_patch',
    patchOf(
      '*** Add File: new/deep/file.txt',
      '+one',
      '+two',
      '*** Update File: run.sh',
      '*** Move to: bin/run.sh',
      '@@',
      ' a',
      '-b',
      '+c',
      '*** Update File: link',
      '-real',
      '+changed',
      '*** Delete File: gone',
      '*** Delete File: dangling',
      '*** Delete File: binary',
    ),
  );
  expect(good.split('\n')).toEqual([
    'Done.',
    'A p/new/deep/file.txt',
    'R p/run.sh -> p/bin/run.sh',
    'M p/real',
    'D p/gone',
    'D p/dangling',
    'D p/binary',
  ]);
  const { stdout } = await sandbox.exec(
    'stat -c %a bin/run.sh; cat bin/run.sh new/deep/file.txt real; readlink link; ls',
    { cwd: 'p' },
  );
  expect(stdout.text).toBe('755\na\nc\none\ntwo\nchanged\nreal\nbin\nlink\nnew\nreal\n');
});

test('all that does not fit is told at once, and nothing is changed', async () => {
  const { call, sandbox } = await localToolset();
  await sandbox.exec('mkdir d; printf "a\\nb\\n" > f; echo there > there');
  const before = (await sandbox.exec(tree)).stdout.text;
  const answer = await call(
    'apply_patch',
    patchOf(
      '*** Add File: ok',
      '+x',
      '*** Update File: f',
      '-z',
      '*** Update File: nowhere',
      '-z',
      '*** Add File: there',
      '+x',
      '*** Delete File: d',
      '*** Delete File: ../etc/passwd',
      '*** Update File: f',
      '*** Move to: there',
    ),
  );
  expect(answer.split('\n').map((line) => line.slice(0, 40))).toEqual([
    'error: Nothing was changed, since not al',
    'f: Hunk 1 (line 5 of the patch): none of',
    'nowhere: there is no such file; use "***',
    'there: it is there already; use "*** Upd',
    'd: it is a directory; delete its files, ',
    '../etc/passwd: "../etc/passwd" is outsid',
    'f: it cannot move to there, where there ',
    'Mend it and send the whole patch again.',
  ]);
  expect((await sandbox.exec(tree)).stdout.text).toBe(before);
});

test('later changes see earlier ones', async () => {
  const { call, sandbox } = await localToolset();
  const answer = await call(
    'apply_patch',
    patchOf(
      '*** Add File: a',
      '+1',
      '*** Update File: a',
      '-1',
      '+2',
      '*** Update File: a',
      '*** Move to: b',
    ),
  );
  expect(answer).toBe('Done.\nA a\nM a\nR a -> b');
  expect((await sandbox.exec('ls; cat b')).stdout.text).toBe('b\n2\n');
});

test('a write that fails at any moment leaves every file as it was', async () => {
  const { sandbox } = await localToolset();
  await sandbox.exec(
    'printf "a\\n" > one; chmod 640 one; echo two > two; ln -s two link; echo three > three',
  );
  const before = (await sandbox.exec(tree)).stdout.text;
  const patch = patchOf(
    '*** Update File: one',
    '-a',
    '+b',
    '*** Add File: x/y/z',
    '+new',
    '*** Update File: three',
    '*** Move to: x/three',
    '*** Delete File: link',
    '*** Delete File: two',
  );
  let failures = 0;
  for (let at = 1; ; at++) {
    let changes = 0;
    const { files } = sandbox;
    const failing: RestrictedSandbox = {
      exec: (...all) => sandbox.exec(...all),
      spawn: (...all) => sandbox.spawn(...all),
      files: new Proxy(files, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          const bound = value.bind(target) as (...all: unknown[]) => Promise<unknown>;
          if (name !== 'write' && name !== 'remove') return bound;
          return async (...all: unknown[]) => {
            changes += 1;
            // The change was made, and then its answer was lost.
            if (changes === at) {
              await bound(...all);
              throw new Error('lost');
            }
            return bound(...all);
          };
        },
      }),
    };
    const tool = createToolset(failing).get('apply_patch');
    const outcome = await tool?.execute(patch).then(
      () => 'done',
      (error: Error) => error.message,
    );
    if (outcome === 'done') break;
    expect(outcome).toBe('lost');
    failures += 1;
    expect((await sandbox.exec(tree)).stdout.text).toBe(before);
  }
  expect(failures).toBe(6);
  expect((await sandbox.exec('ls -R; cat one')).stdout.text).toBe(
    '.:\none\nx\n\n./x:\nthree\ny\n\n./x/y:\nz\nb\n',
  );
});

test('a file that is too large is refused', async () => {
  const { sandbox } = await localToolset();
  await sandbox.exec('seq 1 1000 > large');
  const call = caller(createToolset(sandbox, { limits: { fileBytes: 100 } }));
  expect(await call('apply_patch', patchOf('*** Update File: large', '-1', '+2'))).toMatch(
    /large has 3893 bytes/,
  );
  expect(await call('apply_patch', patchOf('*** Delete File: large'))).toMatch(
    /large has 3893 bytes/,
  );
  expect(await call('apply_patch', patchOf('*** Add File: new', `+${'x'.repeat(100)}`))).toMatch(
    /would have 101 bytes/,
  );
});

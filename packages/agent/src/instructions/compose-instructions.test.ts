import { expect, test } from 'vitest';
import { localToolset } from '../../test/local-toolset.ts';
import { composeInstructions } from './compose-instructions.ts';

test('what is near comes last, links are not followed, and all is within its budget', async () => {
  const { sandbox } = await localToolset();
  await sandbox.exec(
    `mkdir -p a/b/c other; echo root > AGENTS.md; echo far > a/AGENTS.md; ln -s /etc/hostname a/b/AGENTS.md; echo near > a/b/c/AGENTS.md
     echo no > other/AGENTS.md; seq 1 3000 | while read -r i; do echo $i > a/b/c/f$i; done`,
  );
  const text = await composeInstructions(sandbox, {
    instructions: 'Mine.',
    workingDirectory: '/workspace/a/b/c',
    treeTokens: 100,
    sections: [{ title: 'More', text: 'Last.' }],
    manifest: {
      spec: 'gantry-manifest/1',
      entries: {
        result: { type: 'output', required: true },
        notes: { type: 'output', kind: 'file' },
        data: { type: 'hostMount', source: '/srv' },
        bucket: { type: 's3', bucket: 'b', writable: true },
      },
    },
  });
  const titles = text.split('\n').filter((line) => line.startsWith('# '));
  expect(titles).toEqual([
    '# Workspace',
    '# Files of /workspace/a/b/c',
    '# From AGENTS.md',
    '# From a/AGENTS.md',
    '# From a/b/c/AGENTS.md',
    '# More',
  ]);
  expect(text).toMatch(/^Mine\./);
  expect(text).toMatch(/AGENTS.md \(5 bytes\)\nf1 \(2 bytes\)/);
  expect(text).toMatch(/bytes left out/);
  expect(text.length).toBeLessThan(1600);
  expect(text).toContain('result is an output: the directory must be there at the end.');
  expect(text).toContain('notes is an output: the file is collected at the end if it is there.');
  expect(text).toContain(
    'data is a mount of a directory of the host: it can be read and not changed.',
  );
  expect(text).toContain(
    'bucket is a mount of remote storage: what you change there changes it for everybody',
  );
  expect(text).toContain('There is no network.');

  await sandbox.files.write('a/AGENTS.md', 'é'.repeat(1000));
  const cut = await composeInstructions(sandbox, {
    workingDirectory: '/workspace/a',
    agentsBytes: 101,
    treeTokens: 0,
  });
  expect(cut).toContain(`# From a/AGENTS.md\n${'é'.repeat(50)}\n[cut: `);
});

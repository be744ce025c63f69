import { expect, test } from 'vitest';
import { localToolset } from '../../test/local-toolset.ts';

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('lines are read in ranges, long ones and long files cut, and what is no text refused', async () => {
  const { call, sandbox } = await localToolset({ limits: { outputTokens: 50, lineLength: 20 } });
  await sandbox.files.write('a.txt', 'one\r\ntwo\n\nfour');
  expect(await call('read_file', { path: 'a.txt' })).toBe(
    '     1\tone\n     2\ttwo\n     3\t\n     4\tfour',
  );
  expect(await call('read_file', { path: '/workspace/a.txt', offset: 2, limit: 1 })).toBe(
    '     2\ttwo\n[there is more; go on with offset 3]',
  );
  expect(await call('read_file', { path: 'a.txt', offset: 5 })).toBe(
    'error: a.txt has 4 lines; line 5 is past its end.',
  );
  await sandbox.exec(
    'seq 1 1000000 > long; printf "%0100d\\n" 7 > wide; printf "a\\0b" > binary; : > empty; mkdir d',
  );
  expect(await call('read_file', { path: 'long' })).toMatch(
    /^ {5}1\t1\n[^]*go on with offset \d+\]$/,
  );
  expect(await call('read_file', { path: 'long', offset: 999_999 })).toContain('1000000');
  expect(await call('read_file', { path: 'wide' })).toContain('[… 80 characters left out]');
  expect(await call('read_file', { path: 'binary' })).toMatch(/^error: binary is not UTF-8 text/);
  expect(await call('read_file', { path: 'empty' })).toBe('empty is empty.');
  expect(await call('read_file', { path: 'd' })).toMatch(/^error: d is a directory/);
  expect(await call('read_file', { path: 'nowhere/x' })).toMatch(
    /^error: There is no file nowhere\/x/,
  );
});

test('files are written whole, and edited by exact text', async () => {
  const { call, sandbox } = await localToolset({
    workingDirectory: 'sub',
    limits: { fileBytes: 100 },
  });
  expect(
    await call('write_file', { path: 'd/x.py', content: 'if a:\n\treturn 1\nreturn 1\n' }),
  ).toBe('Created sub/d/x.py (25 bytes).');
  const edit = (old_text: string, new_text: string, more = {}): Promise<string> =>
    call('edit', { path: 'd/x.py', old_text, new_text, ...more });
  expect(await edit('return 1', 'return 2')).toMatch(
    /^error: .* 2 times in sub\/d\/x.py, at lines 2, 3\./,
  );
  expect(await edit('    return 1', 'x')).toMatch(
    /^error: .*whitespace differs from lines 2 to 2[^]*\treturn 1/,
  );
  expect(await edit('return 3', 'x')).toMatch(/^error: .*Not even its first line/);
  expect(await edit('x', 'x')).toMatch(/^error: The old and the new text are the same/);
  expect(await edit('\n\treturn 1', '\n\treturn $& 2')).toBe(
    'Replaced one occurrence in sub/d/x.py.',
  );
  expect(await edit('return', 'yield', { all: true })).toBe(
    'Replaced 2 occurrences in sub/d/x.py.',
  );
  expect(await sandbox.files.readText('sub/d/x.py')).toBe('if a:\n\tyield $& 2\nyield 1\n');
  expect(await call('write_file', { path: 'd', content: '' })).toMatch(
    /^error: sub\/d is a directory/,
  );
  expect(await call('write_file', { path: 'big', content: 'x'.repeat(101) })).toMatch(
    /^error: 101 bytes/,
  );
});

test('paths stay in the workspace, also through links', async () => {
  const { call, sandbox } = await localToolset();
  await sandbox.exec(
    'mkdir in; echo secret > in/f; ln -s in inner; ln -s /etc etc; ln -s etc/passwd far; ln -s loop loop; ln -s /workspace/in/f absolute; ln -s ../tmp/x in/up',
  );
  expect(await call('read_file', { path: 'inner/f' })).toContain('secret');
  expect(await call('read_file', { path: 'absolute' })).toContain('secret');
  for (const path of ['/etc/passwd', '../etc/passwd', 'in/../../etc', '/workspacex/y']) {
    expect(await call('read_file', { path })).toMatch(/^error: .*outside of the workspace/);
  }
  for (const path of ['etc/passwd', 'far']) {
    expect(await call('read_file', { path })).toMatch(/^error: .*leads out of the workspace/);
  }
  expect(await call('read_file', { path: 'loop' })).toMatch(/^error: .*more than 40 links/);
  expect(await call('read_file', { path: 'a\0b' })).toMatch(/^error: .*NUL/);
  expect(await call('write_file', { path: 'in/up', content: 'x' })).toBe(
    'Created tmp/x (1 bytes).',
  );
  expect(await call('write_file', { path: 'etc/new', content: 'x' })).toMatch(
    /^error: .*leads out/,
  );
  const patch = '*** Begin Patch\n*** Add File: etc/new\n+x\n*** End Patch';
  expect(await call('apply_patch', { patch })).toMatch(/^error: .*\n.*leads out/);
});

test('directories are listed to a depth, within a number of entries', async () => {
  const { call, sandbox } = await localToolset({ limits: { entries: 5 } });
  await sandbox.exec('mkdir -p a/b node_modules/x "new\nline"; echo hi > a/f; ln -s a/f link');
  expect(await call('list_files', { depth: 2 })).toBe(
    [
      'a/',
      '  b/',
      '  f (3 bytes)',
      'link -> a/f',
      '"new\\nline"/',
      '[there are more entries; list a directory further down]',
    ].join('\n'),
  );
  expect(await call('list_files', { path: 'a/b' })).toBe('a/b is empty.');
  expect(await call('list_files', { path: 'a/f' })).toMatch(/^error: a\/f is a file/);
});

test('files are found by name and by contents', async () => {
  const { call, sandbox } = await localToolset({ limits: { entries: 3 } });
  await sandbox.exec(
    `mkdir -p src/deep node_modules/m .git; echo 'let a1 = 1' > src/a.ts; echo 'LET b22 = 2' > src/deep/b.ts
     echo 'let c = 1' > node_modules/m/c.ts; printf 'let\\0x' > src/bin.ts; touch .git/d.ts -- '-e' 'sp ace.ts'; seq 100 > numbers`,
  );
  expect(await call('glob', { pattern: '*.ts' })).toBe(
    'sp ace.ts\nsrc/a.ts\nsrc/bin.ts\n[1 more; use a narrower pattern]',
  );
  expect(await call('glob', { pattern: 'deep/*.ts', path: 'src' })).toBe('src/deep/b.ts');
  expect(await call('glob', { pattern: '/workspace/src/*.ts' })).toBe('src/a.ts\nsrc/bin.ts');
  expect(await call('glob', { pattern: '*.ts', path: 'node_modules' })).toBe('node_modules/m/c.ts');
  expect(await call('glob', { pattern: '*.rs' })).toBe('No file matches *.rs in ..');
  expect(await call('grep', { pattern: 'let' })).toBe('src/a.ts:1:let a1 = 1');
  expect(await call('grep', { pattern: 'let [a-z]\\d+', ignore_case: true, glob: '*.ts' })).toBe(
    'src/a.ts:1:let a1 = 1\nsrc/deep/b.ts:1:LET b22 = 2',
  );
  expect(await call('grep', { pattern: '^50$', path: 'numbers', context: 1 })).toBe(
    'numbers-49-49\nnumbers:50:50\nnumbers-51-51',
  );
  expect(await call('grep', { pattern: '0', path: 'numbers' })).toMatch(
    /^numbers:10:10\n.*\n.*\n\[there are more/,
  );
  expect(await call('grep', { pattern: '(', path: 'numbers' })).toMatch(
    /^error: grep does not take the pattern/,
  );
  expect(await call('grep', { pattern: '(' })).toMatch(/^error: grep does not take the pattern/);
  expect(await call('grep', { pattern: '-e nothing' })).toMatch(/^No line matches/);
});

test('images are told by their bytes', async () => {
  const { call, sandbox, toolset } = await localToolset({ limits: { imageBytes: 100 } });
  await sandbox.files.write('picture.txt', pixel);
  await sandbox.files.write('not.png', 'text');
  await sandbox.files.write('large', Buffer.concat([pixel, Buffer.alloc(100)]));
  const result = await toolset.get('view_image')?.execute({ path: 'picture.txt' });
  expect(result?.content[1]).toEqual({
    type: 'image',
    mediaType: 'image/png',
    base64: pixel.toString('base64'),
  });
  expect(await call('view_image', { path: 'not.png' })).toMatch(
    /^error: not.png is no PNG.*74657874/,
  );
  expect(await call('view_image', { path: 'large' })).toMatch(
    /^error: large has \d+ bytes, more than 100/,
  );
});

test('a sandbox that is gone is no answer of a tool', async () => {
  const { toolset, sandbox } = await localToolset();
  await sandbox.destroy();
  for (const [name, input] of [
    ['read_file', { path: 'a' }],
    ['shell', { command: 'true' }],
    ['grep', { pattern: 'x' }],
  ] as const) {
    await expect(toolset.get(name)?.execute(input)).rejects.toMatchObject({ name: 'SandboxError' });
  }
});

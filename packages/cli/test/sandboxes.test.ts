import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { gantry, gantryJson, labelledManifest, sandboxesLabelled } from './gantry.ts';

test('a kept sandbox is listed, reached by a prefix of its id, and destroyed', async () => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const made = await gantry(['exec', '--keep', '--manifest', manifest, '-c', 'echo kept > note']);
  const [id = ''] = await sandboxesLabelled(label);
  expect(made.code).toBe(0);
  expect(made.stderr).toContain(`gantry exec --sandbox ${id} -- `);

  const list = await gantry(['ls', '--label', `cli-test=${label}`]);
  expect(list.text.split('\n')[0]).toMatch(/^ID +STATE +AGE +ENDS IN +LABELS$/);
  expect(list.text.split('\n')[1]).toMatch(new RegExp(`^${id} +running .*cli-test=${label}$`));

  const prefix = id.slice(0, -2);
  expect((await gantry(['exec', '--sandbox', prefix, '--', 'cat', 'note'])).text).toBe('kept\n');
  // Only used, so it is still there.
  expect((await gantry(['exec', '--sandbox', id, '-c', 'echo $PWD'])).text).toBe('/workspace\n');

  expect(await gantry(['destroy', prefix])).toMatchObject({ code: 0, text: `${id}\n` });
  expect(await sandboxesLabelled(label)).toEqual([]);
  expect((await gantry(['exec', '--sandbox', id, '--', 'true'])).code).toBe(125);
});

interface PsDocument {
  readonly processes: readonly { sandbox: string; id: string; pid: number; command: string }[];
}

test('ps lists what runs in a sandbox, whoever has started it, safe to show', async () => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const line =
    "printf '#!/bin/sh\\nsleep 999\\n' >x; chmod +x x; setsid ./x \"$(printf '\\033[31mred')\" </dev/null >/dev/null 2>&1 &";
  await gantry(['exec', '--keep', '--manifest', manifest, '-c', line]);
  const [id = ''] = await sandboxesLabelled(label);
  const { code, json } = await gantryJson<PsDocument>(['ps', id, '--json']);
  expect(code).toBe(0);
  const script = json.processes.find(({ command }) => command.includes('./x'));
  expect(script).toMatchObject({ sandbox: id, command: '/bin/sh ./x \u001b[31mred' });
  expect(script?.pid).toBeGreaterThan(1);
  expect(json.processes.some(({ command }) => command === 'sleep 999')).toBe(true);
  const { text } = await gantry(['ps', id.slice(0, -2)]);
  expect(text).toMatch(/^SANDBOX +ID +PID +COMMAND\n/);
  expect(text).toContain('/bin/sh ./x \\x1b[31mred');
  expect((await gantry(['ps'])).text).toContain(script?.id);
  expect((await gantry(['ps', 'nowhere'])).code).toBe(125);
  await gantry(['destroy', id]);
});

interface DestroyDocument {
  readonly destroyed: readonly { readonly id: string }[];
  readonly failed: readonly object[];
}

test('destroy says which sandboxes are not there, and destroys the others', async () => {
  const label = randomUUID();
  await gantry(['exec', '--keep', '--manifest', await labelledManifest(label), '--', 'true']);
  const [id = ''] = await sandboxesLabelled(label);
  const { code, json } = await gantryJson<DestroyDocument>(['destroy', '--json', 'nowhere', id]);
  expect(code).toBe(1);
  expect(json.destroyed.map((ref) => ref.id)).toEqual([id]);
  expect(json.failed).toMatchObject([{ sandbox: 'nowhere', code: 'not-found' }]);
  expect(await gantry(['destroy', id])).toMatchObject({ code: 1, text: '' });
});

test('destroy --all without a terminal wants --yes and destroys nothing', async () => {
  const label = randomUUID();
  await gantry(['exec', '--keep', '--manifest', await labelledManifest(label), '--', 'true']);
  const [id = ''] = await sandboxesLabelled(label);
  const { code, stderr } = await gantry(['destroy', '--all']);
  expect({ code, stderr: stderr.includes('--yes') }).toEqual({ code: 125, stderr: true });
  expect(await sandboxesLabelled(label)).toEqual([id]);
  expect((await gantry(['destroy', id])).code).toBe(0);
  expect((await gantry(['destroy'])).code).toBe(125);
});

test('destroy --all --yes destroys every sandbox of the provider', async () => {
  const provider = './fixtures/two-sandboxes.ts';
  const result = await gantry(['destroy', '--all', '--yes', '--provider', provider]);
  expect(result).toMatchObject({ code: 0, text: 'first\nsecond\n', stderr: '' });
  const none = await gantry(['destroy', 'fir', 'second', 'third', '--provider', provider]);
  expect(none).toMatchObject({ code: 1, text: 'first\nsecond\n' });
  expect(none.stderr).toContain('third');
});

test('a provider that cannot tell of all its sandboxes has the others listed, destroyed, and the rest said', async () => {
  const provider = './fixtures/damaged-record.ts';
  const shown = await gantry(['ls', '--provider', provider]);
  expect(shown).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('record.json') as string,
  });
  expect(shown.text).toMatch(/^ID .*\nwhole-1 /);
  const { code, json } = await gantryJson<{ sandboxes: readonly object[]; error: object }>([
    ...['ls', '--json', '--provider', provider],
  ]);
  expect(code).toBe(125);
  expect(json).toMatchObject({
    sandboxes: [{ ref: { id: 'whole-1' } }],
    error: { code: 'data-loss' },
  });
  expect(await gantry(['destroy', '--provider', provider, 'whole-1'])).toMatchObject({ code: 0 });
  const all = await gantry(['destroy', '--provider', provider, '--all', '--yes']);
  expect(all).toMatchObject({ code: 125, text: 'whole-1\n' });
  expect(all.stderr).toContain('record.json');
});

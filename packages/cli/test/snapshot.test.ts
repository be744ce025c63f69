import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gantry, gantryJson, labelledManifest, sandboxesLabelled } from './gantry.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gantry-cli-snapshot-'));
afterAll(() => rmSync(folder, { recursive: true }));

test(
  'take, list, show, compare, check, bring back, export, import and remove',
  { timeout: 240_000 },
  async () => {
    const store = ['--store', path.join(folder, 'store')];
    const label = randomUUID();
    const manifest = await labelledManifest(label);
    await gantry(['exec', '--keep', '--manifest', manifest, '-c', 'echo one > a; mkfifo f']);
    const [id = ''] = await sandboxesLabelled(label);
    const empty = await gantry(['snapshot', 'ls', ...store]);
    expect(empty).toMatchObject({ code: 0, text: '' });

    const first = await gantry(['snapshot', 'create', id, ...store]);
    expect(first.code).toBe(0);
    expect(first.text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(first.stderr).toContain('left out: f (fifo)');
    const before = first.text.trim();
    await gantry(['exec', '--sandbox', id, '-c', 'echo two > b; rm a']);
    const second = await gantryJson<{ snapshot: { id: string; evidence: string } }>([
      ...['snapshot', 'create', id, '--parent', before.slice(0, 10), '--json', ...store],
    ]);
    expect(second.json.snapshot.evidence).toBe('host-layer');
    const after = second.json.snapshot.id;

    const list = await gantry(['snapshot', 'ls', ...store]);
    expect(list.text.split('\n')[0]).toMatch(/^ID +AGE +FILES +BYTES +PARENT +OF$/);
    expect(list.text).toContain(after.slice(0, 12));
    expect((await gantry(['snapshot', 'show', after.slice(0, 8), ...store])).text).toContain(
      `parent        ${before}`,
    );
    expect(await gantry(['snapshot', 'diff', before, after, ...store])).toMatchObject({
      code: 1,
      text: '- a\n+ b\n',
    });
    expect(await gantry(['snapshot', 'diff', after, after, ...store])).toMatchObject({ code: 0 });
    expect(await gantry(['snapshot', 'verify', ...store])).toMatchObject({ code: 0, text: '' });

    const back = await gantry(['rehydrate', after.slice(0, 8), '--verify', ...store]);
    expect(back.code).toBe(0);
    expect((await gantry(['exec', '--sandbox', back.text.trim(), '-c', 'ls; cat b'])).text).toBe(
      'b\ntwo\n',
    );
    expect((await gantry(['destroy', id, back.text.trim()])).code).toBe(0);

    const image = path.join(folder, 'image');
    expect((await gantry(['snapshot', 'export', after, image, ...store])).text).toMatch(/^sha256:/);
    expect(existsSync(path.join(image, 'oci-layout'))).toBe(true);
    const tar = path.join(folder, 'a.tar');
    writeFileSync(tar, Buffer.alloc(1024));
    expect((await gantry(['snapshot', 'import', tar, ...store])).text).toMatch(/^[0-9a-f]{64}\n$/);

    const gone = await gantry([
      'snapshot',
      'prune',
      '--remove',
      before,
      '--grace',
      '1ms',
      ...store,
    ]);
    expect(gone).toMatchObject({ code: 0, text: `${before}\n` });
    expect((await gantry(['snapshot', 'verify', ...store])).code).toBe(0);
    expect((await gantry(['rehydrate', before, ...store])).code).toBe(125);
  },
);

test(
  'a store with a key is opened with that key alone, and what is damaged is said',
  { timeout: 120_000 },
  async () => {
    const store = ['--store', path.join(folder, 'secret')];
    const key = path.join(folder, 'key');
    writeFileSync(key, 'ab'.repeat(32));
    const tar = path.join(folder, 'b.tar');
    writeFileSync(tar, Buffer.alloc(1024));
    const made = await gantry(['snapshot', 'import', tar, '--key-file', key, ...store]);
    expect(made.code).toBe(0);
    const without = await gantry(['snapshot', 'show', made.text.trim(), ...store]);
    expect(without.code).toBe(125);
    expect(without.stderr).toContain('encrypted');
    const index = await gantryJson<{ snapshot: { index: string } }>([
      ...['snapshot', 'show', made.text.trim(), '--json', '--key-file', key, ...store],
    ]);
    rmSync(path.join(folder, 'secret', 'indexes', index.json.snapshot.index));
    const checked = await gantry(['snapshot', 'verify', '--key-file', key, ...store]);
    expect(checked.code).toBe(1);
    expect(checked.text).toContain(`index ${index.json.snapshot.index}`);
    writeFileSync(key, 'short');
    const bad = await gantry(['snapshot', 'ls', '--key-file', key, ...store]);
    expect(bad.stderr).toContain('64 hexadecimal digits');
  },
);

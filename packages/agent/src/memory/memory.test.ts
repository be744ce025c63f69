import { randomBytes } from 'node:crypto';
import type { SnapshotStore } from '@gantry/core';
import { encryptedStore, memoryStore } from '@gantry/core/snapshot';
import { describe, expect, test } from 'vitest';
import { runAgent, testHarness } from '../../test/agent-workshop.ts';
import { type Prompt, scriptedModel, type ScriptedTurn } from '../../test/scripted-model.ts';
import { memory, type MemoryOptions } from '../index.ts';
import { cutToSize, sizeOf, withoutCredentials } from './clean-memory.ts';
import { MemoryStore } from './memory-document.ts';

/** A script for the task, and what is answered when the memory is to be brought up to date. */
function model(
  turns: readonly ScriptedTurn[],
  ...updates: readonly object[]
): ReturnType<typeof scriptedModel> {
  let update = 0;
  return scriptedModel((options: Prompt) => {
    const text = JSON.stringify(options.prompt);
    if (text.includes('Answer with JSON and nothing else'))
      return `Here:\n${JSON.stringify(updates[update++])}`;
    const index = options.prompt.filter(({ role }) => role === 'assistant').length;
    return turns[index] ?? 'done';
  });
}

async function remember(
  options: Partial<MemoryOptions> & Pick<MemoryOptions, 'store'>,
  by: ReturnType<typeof scriptedModel>,
): Promise<{ readonly first: string; readonly last: string }> {
  const harness = testHarness({ secrets: { TOKEN: 'hunter2hunter2' } });
  const extensions = [memory({ namespace: 'project:a', ...options })];
  await runAgent({ model: by, extensions }, { harness });
  const prompts = by.doGenerateCalls.map(({ prompt }) => JSON.stringify(prompt));
  return { first: prompts[0] ?? '', last: prompts.at(-1) ?? '' };
}

const write = (path: string, text: string): ScriptedTurn => [
  { tool: 'memory', input: { command: 'create', path: `/memories/${path}`, file_text: text } },
];

test('what one run writes down, by the tool and at its end, the next is told; secrets are not', async () => {
  const store = memoryStore();
  const encoded = Buffer.from('hunter2hunter2').toString('base64');
  await remember(
    { store },
    model([write('facts.md', `the port is 80\nhunter2hunter2\n${encoded}`)], {
      files: { 'MEMORY.md': '- facts.md: ports. key sk-abcdefghijklmnopqrstuv', '../evil': 'x' },
    }),
  );
  const kept = await new MemoryStore(store, 'project:a').load();
  expect(kept).toEqual({
    version: 1,
    files: {
      'MEMORY.md': '- facts.md: ports. key [redacted:api-key]',
      'facts.md': expect.stringMatching(
        /^the port is 80\n\[redacted:TOKEN\]\n\[redacted:TOKEN\]/,
      ) as string,
    },
  });
  const next = model(
    [[{ tool: 'memory', input: { command: 'view', path: '/memories/facts.md' } }], 'done'],
    { files: { 'facts.md': null } },
  );
  const { first, last } = await remember({ store }, next);
  expect(first).toContain('- facts.md: ports.');
  expect(first).not.toContain('the port is 80');
  expect(last).toContain('the port is 80');
  expect(Object.keys((await new MemoryStore(store, 'project:a').load()).files)).toEqual([
    'MEMORY.md',
  ]);
  expect(await new MemoryStore(store, 'project:b').load()).toEqual({ version: 0, files: {} });
});

test('read-only is never changed, and off is not there', async () => {
  const store = memoryStore();
  await new MemoryStore(store, 'project:a').save(
    { version: 0, files: {} },
    { 'MEMORY.md': 'known' },
  );
  const reader = model([write('x', 'y')]);
  const { first, last } = await remember({ store, mode: 'read-only' }, reader);
  expect(first).toContain('known');
  expect(last).toContain('can be read and not changed');
  expect((await new MemoryStore(store, 'project:a').load()).version).toBe(1);
  const without = model([]);
  expect((await remember({ store, mode: 'off' }, without)).first).not.toContain('known');
  expect(without.doGenerateCalls[0]?.tools?.some(({ name }) => name === 'memory')).toBe(false);
});

test('a memory that is too large is consolidated by the model, and cut where that is not enough', async () => {
  const store = memoryStore();
  const big = { files: { 'MEMORY.md': 'index', 'big.md': 'b'.repeat(3000) } };
  await remember(
    { store, maxBytes: 1000 },
    model([write('huge', 'x'.repeat(2000))], big, { files: { 'big.md': 'é'.repeat(600) } }),
  );
  const { files } = await new MemoryStore(store, 'project:a').load();
  expect(files['MEMORY.md']).toBe('index');
  expect(files['huge']).toBeUndefined();
  expect(files['big.md']).toMatch(/^é+\n\[cut: the memory was full\]\n$/);
  expect(sizeOf(files)).toBeLessThanOrEqual(1000);
  expect(cutToSize({ 'MEMORY.md': 'x'.repeat(50), a: 'y' }, 61)).toEqual({
    'MEMORY.md': 'x'.repeat(50),
    a: 'y',
  });
});

describe('the store', () => {
  test('two runs at once keep what both wrote', async () => {
    const kept = new MemoryStore(memoryStore(), 'n');
    await kept.save({ version: 0, files: {} }, { a: '1', b: '1' });
    const [one, two] = await Promise.all([kept.load(), kept.load()]);
    const versions = await Promise.all([
      kept.save(one, { a: '2', b: '1' }),
      kept.save(two, { a: '1', c: '3' }),
    ]);
    expect(versions.toSorted((left, right) => left - right)).toEqual([2, 3]);
    expect((await kept.load()).files).toEqual({ a: '2', c: '3' });
    let loaded = await kept.load();
    for (let round = 0; round < 8; round++) {
      await kept.save(loaded, { round: String(round) });
      loaded = await kept.load();
    }
    expect(loaded).toEqual({ version: 11, files: { round: '7' } });
  });

  test('an encrypted store shows nothing, and another key reads nothing', async () => {
    const inner = memoryStore();
    const encrypted = (key: Uint8Array): SnapshotStore => encryptedStore(inner, { key });
    const key = randomBytes(32);
    await new MemoryStore(encrypted(key), 'user:me').save(
      { version: 0, files: {} },
      { a: 'secret words' },
    );
    let all = '';
    for await (const { key: name } of inner.list('')) {
      for await (const chunk of await inner.get(name))
        all += name + Buffer.from(chunk).toString('latin1');
    }
    expect(all).not.toMatch(/secret words|user:me/);
    expect((await new MemoryStore(encrypted(key), 'user:me').load()).files).toEqual({
      a: 'secret words',
    });
    expect(await new MemoryStore(encrypted(randomBytes(32)), 'user:me').load()).toMatchObject({
      version: 0,
    });
  });
});

test('what has the form of a credential is left out', () => {
  const text = [
    'https://user:pa55word@host/x',
    'Authorization: Bearer abcdefghijk',
    'ghp_abcdefghijklmnopqrstuvwxyz0123',
    'AKIAABCDEFGHIJKLMNOP',
    '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----',
    'an ordinary sentence: sk-1',
  ].join('\n');
  expect(withoutCredentials({ a: text })['a']?.split('\n')).toEqual([
    'https://user:[redacted:password]@host/x',
    'Authorization: Bearer [redacted:authorization]',
    '[redacted:github-token]',
    '[redacted:aws-key]',
    '[redacted:private-key]',
    'an ordinary sentence: sk-1',
  ]);
});

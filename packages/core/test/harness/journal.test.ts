// Proves: journal-contract
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { sqliteJournal } from '../../src/harness.ts';
import type { Journal, JournalEntry } from '../../src/harness.ts';
import { journalChecks, leaseChecks } from '../../src/testing.ts';
import { testDirectory } from './temporary-journal.ts';

describe('the journal in SQLite', () => {
  test.each(journalChecks)('$name', async ({ run }) => {
    const directory = testDirectory();
    const passed = run({ open: async (now) => sqliteJournal(directory, { now }) });
    await expect(passed).resolves.toBeUndefined();
  });

  // Proves: harness-private
  test('every file is its owner’s alone', async () => {
    const directory = path.join(testDirectory(), 'journal');
    const journal = sqliteJournal(directory);
    await journal.create({ run: 'one', name: 'one', key: new Uint8Array(32) });
    const files = readdirSync(directory, { recursive: true, withFileTypes: true });
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['journal.db', 'journal.db-wal', 'one.key']),
    );
    for (const entry of files) {
      const { mode } = statSync(path.join(entry.parentPath, entry.name));
      expect(mode & 0o077, entry.name).toBe(0);
    }
    await journal.close();
  });

  test('a directory that was open to others is closed to them', async () => {
    const directory = testDirectory();
    chmodSync(directory, 0o755);
    await sqliteJournal(directory).close();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('after erase no byte of a body is left in any file', async () => {
    const directory = testDirectory();
    const journal = sqliteJournal(directory);
    await journal.create({ run: 'one', name: 'one', key: Buffer.alloc(32, 'KEY') });
    const { epoch } = await journal.claim('one', { owner: 'me', ttlMs: 1000 });
    const found = await journal.find('one');
    const body = Buffer.from('the body of this very event');
    const entry = { sequence: 1, text: '{}', hash: '00', body };
    await journal.append('one', epoch, found?.head ?? { size: -1, hash: '' }, [entry]);
    await journal.erase('one', epoch);
    await journal.close();
    const files = readdirSync(directory, { recursive: true, withFileTypes: true });
    for (const file of files.filter((each) => each.isFile())) {
      const bytes = readFileSync(path.join(file.parentPath, file.name));
      expect(bytes.includes(body), file.name).toBe(false);
      expect(bytes.includes('KEYKEY'), file.name).toBe(false);
    }
  });
});

describe('leases in SQLite', () => {
  test.each(leaseChecks)('$name', async ({ run }) => {
    const directory = testDirectory();
    const opened: Journal[] = [];
    try {
      const passed = run({
        async open(now) {
          const journal = sqliteJournal(directory, { now });
          opened.push(journal);
          return journal.leases;
        },
      });
      await expect(passed).resolves.toBeUndefined();
    } finally {
      for (const journal of opened) await journal.close();
    }
  });
});

/** Journals that are wrong in one way each: the suite must see every one. */
const mutants: Readonly<Record<string, (journal: Journal) => Partial<Journal>>> = {
  'ignores the epoch': (journal) => ({
    async append(run, _epoch, ...rest) {
      const found = await journal.find(run);
      return journal.append(run, found?.claim?.epoch ?? 0, ...rest);
    },
  }),
  'ignores the expected head': (journal) => ({
    async append(run, epoch, _expected, entries, options) {
      const found = await journal.find(run);
      if (!found) throw new Error('not there');
      return journal.append(run, epoch, found.head, entries, options);
    },
  }),
  'lets anyone take over': (journal) => ({
    async claim(run, options) {
      const claim = (await journal.find(run))?.claim;
      return journal.claim(run, { ...options, ...(claim ? { over: claim.epoch } : {}) });
    },
  }),
  'writes entries one by one': (journal) => ({
    async append(run, epoch, expected, entries, options) {
      let head = expected;
      for (const entry of entries) {
        await journal.append(run, epoch, head, [entry], options);
        head = { size: entry.sequence, hash: entry.hash };
      }
      if (entries.length === 0) await journal.append(run, epoch, head, [], options);
    },
  }),
  'keeps bodies when erasing': () => ({ erase: async () => undefined }),
  'gives bodies unasked': (journal) => ({ read: (run) => journal.read(run, { bodies: true }) }),
  'reads at most 500 events': (journal) => ({
    async *read(run, options) {
      let count = 0;
      for await (const entry of journal.read(run, options)) {
        if (++count > 500) return;
        yield entry;
      }
    },
  }),
  'takes text apart and puts it together again': (journal) => ({
    async *read(run, options) {
      for await (const entry of journal.read(run, options)) {
        const changed: JournalEntry = {
          ...entry,
          text: JSON.stringify(JSON.parse(entry.text), null, 1),
        };
        yield changed;
      }
    },
  }),
  'says not found where nothing is': (journal) => ({
    async find(run) {
      const found = await journal.find(run);
      if (!found) throw new Error('not found');
      return found;
    },
  }),
  'forgets the status': (journal) => ({
    append: (run, epoch, expected, entries, { signed } = {}) =>
      journal.append(run, epoch, expected, entries, signed ? { signed } : {}),
  }),
  'unclaims whatever the epoch': (journal) => ({
    async unclaim(run) {
      const claim = (await journal.find(run))?.claim;
      if (claim) await journal.unclaim(run, claim.epoch);
    },
  }),
};

test.each(Object.entries(mutants))('the suite sees a journal that %s', async (_, mutate) => {
  for (const { run } of journalChecks) {
    const directory = testDirectory();
    const open = async (now: () => number): Promise<Journal> => {
      const journal = sqliteJournal(directory, { now });
      const changed = mutate(journal);
      return new Proxy(journal, {
        get(target, property) {
          const value: unknown = Reflect.get(property in changed ? changed : target, property);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    };
    const passed = await run({ open }).then(
      () => true,
      () => false,
    );
    if (!passed) return;
  }
  expect.unreachable('every check passed');
});

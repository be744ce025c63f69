import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { collected, type ContractCheck, rejectsWith } from '../../testing/contract-check.ts';
import { firstHead, nextHead } from './chain.ts';
import type { Claim, Journal, JournalEntry, JournalHead, SignedHead } from './journal.ts';

/** A place for a journal that is empty at first. Each `open` opens the same place; the check closes what it opened. */
export interface JournalSubject {
  /** Its clock is `now`, in milliseconds since the Unix epoch. */
  open(now: () => number): Promise<Journal>;
}

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const ttlMs = 1000;

/** Entries that continue a head, with a body each. */
function entriesAfter(head: JournalHead, count: number): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let at = head; entries.length < count;) {
    const text = JSON.stringify({ number: at.size + 1, odd: 'ü\u0000"\n' });
    at = nextHead(at, text);
    entries.push({ sequence: at.size, text, hash: at.hash, body: Uint8Array.of(at.size, 0, 255) });
  }
  return entries;
}

const headOf = (entries: readonly JournalEntry[], head: JournalHead): JournalHead => {
  const last = entries.at(-1);
  return last ? { size: last.sequence, hash: last.hash } : head;
};

interface Place {
  readonly journal: Journal;
  readonly open: () => Promise<Journal>;
  readonly clock: { time: number };
}

function check(name: string, work: (place: Place) => Promise<void>): ContractCheck<JournalSubject> {
  return {
    name,
    async run(subject) {
      const clock = { time: 1_700_000_000_000 };
      const opened: Journal[] = [];
      const open = async (): Promise<Journal> => {
        const journal = await subject.open(() => clock.time);
        opened.push(journal);
        return journal;
      };
      try {
        await work({ journal: await open(), open, clock });
      } finally {
        for (const journal of opened) await journal.close();
      }
    },
  };
}

async function begin(journal: Journal, run = 'run-1'): Promise<Claim> {
  await journal.create({ run, name: 'name', key });
  return journal.claim(run, { owner: 'first', ttlMs });
}

const head = firstHead('run-1');

/** What every journal must do. Run each check on a place of its own. */
export const journalChecks: readonly ContractCheck<JournalSubject>[] = [
  check(
    'what was appended is read back, byte for byte, by whoever opens the journal next',
    async ({ journal, open }) => {
      const { epoch } = await begin(journal);
      const entries = entriesAfter(head, 3);
      await journal.append('run-1', epoch, head, entries);
      await journal.close();
      const again = await open();
      deepEqual(await collected(again.read('run-1', { bodies: true })).then(plain), plain(entries));
      deepEqual((await again.find('run-1'))?.head, headOf(entries, head));
      deepEqual(Buffer.from((await again.key('run-1')) ?? []), Buffer.from(key));
    },
  ),
  check('bodies come along only when asked for', async ({ journal }) => {
    const { epoch } = await begin(journal);
    await journal.append('run-1', epoch, head, entriesAfter(head, 1));
    const [entry] = await collected(journal.read('run-1'));
    ok(entry && !('body' in entry), 'an entry that is read without bodies has none');
    deepEqual(Buffer.from((await journal.entry('run-1', 1))?.body ?? []), Buffer.of(1, 0, 255));
    equal(await journal.entry('run-1', 2), undefined);
  }),
  check(
    'reading starts after the given event, and more than one batch arrives whole',
    async ({ journal }) => {
      const { epoch } = await begin(journal);
      await journal.append('run-1', epoch, head, entriesAfter(head, 1203));
      const sequences = (await collected(journal.read('run-1', { after: 2 }))).map(
        ({ sequence }) => sequence,
      );
      deepEqual(
        sequences,
        Array.from({ length: 1201 }, (_, index) => index + 3),
      );
    },
  ),
  check('an id is taken once', async ({ journal }) => {
    await begin(journal);
    await rejectsWith('already-exists', () => journal.create({ run: 'run-1', name: 'other', key }));
    equal((await journal.find('run-1'))?.name, 'name');
  }),
  check('a run that is not there is not found, and find says so', async ({ journal }) => {
    equal(await journal.find('no-such'), undefined);
    await rejectsWith('not-found', () => journal.claim('no-such', { owner: 'x', ttlMs }));
    await rejectsWith('not-found', () => collected(journal.read('no-such')));
  }),
  check('a head that is not the run’s is refused, and nothing is written', async ({ journal }) => {
    const { epoch } = await begin(journal);
    const [one, two] = entriesAfter(head, 2);
    ok(one && two, 'two entries');
    await journal.append('run-1', epoch, head, [one]);
    await rejectsWith('aborted', () => journal.append('run-1', epoch, head, [two]));
    const wrong = { size: 1, hash: head.hash };
    await rejectsWith('aborted', () => journal.append('run-1', epoch, wrong, [two]));
    equal((await collected(journal.read('run-1'))).length, 1);
  }),
  check('entries are appended all or none', async ({ journal }) => {
    const { epoch } = await begin(journal);
    const [one] = entriesAfter(head, 1);
    ok(one, 'one entry');
    let failed = false;
    // The same sequence twice: the second cannot be written.
    await journal.append('run-1', epoch, head, [one, one]).catch(() => (failed = true));
    ok(failed, 'an entry whose sequence is taken is refused');
    deepEqual((await journal.find('run-1'))?.head, head);
    equal((await collected(journal.read('run-1'))).length, 0);
  }),
  check(
    'one writer at a time: a second claim is refused while the first holds',
    async ({ journal, open, clock }) => {
      const first = await begin(journal);
      equal(first.expiresAt, clock.time + ttlMs);
      const other = await open();
      const error = await rejectsWith('failed-precondition', () =>
        other.claim('run-1', { owner: 'second', ttlMs }),
      );
      ok(error.message.includes('first'), 'the error names the owner');
    },
  ),
  check(
    'a claim that has run out is taken over, and the old writer is refused from then on',
    async ({ journal, open, clock }) => {
      const first = await begin(journal);
      clock.time += ttlMs;
      const other = await open();
      const second = await other.claim('run-1', { owner: 'second', ttlMs });
      ok(second.epoch > first.epoch, 'the epoch grows');
      const entries = entriesAfter(head, 1);
      await rejectsWith('aborted', () => journal.append('run-1', first.epoch, head, entries));
      await rejectsWith('aborted', () => journal.renew('run-1', first.epoch, ttlMs));
      await rejectsWith('aborted', () => journal.erase('run-1', first.epoch));
      await journal.unclaim('run-1', first.epoch);
      await other.append('run-1', second.epoch, head, entries);
    },
  ),
  check('a claim that holds is taken over only by who names its epoch', async ({ journal }) => {
    const first = await begin(journal);
    const over = { owner: 'second', ttlMs, over: first.epoch };
    const second = await journal.claim('run-1', over);
    await rejectsWith('failed-precondition', () => journal.claim('run-1', over));
    notEqual(second.epoch, first.epoch);
  }),
  check(
    'a claim that has run out still writes as long as nobody took over',
    async ({ journal, clock }) => {
      const { epoch } = await begin(journal);
      clock.time += 10 * ttlMs;
      await journal.append('run-1', epoch, head, entriesAfter(head, 1));
      const renewed = await journal.renew('run-1', epoch, ttlMs);
      equal(renewed.expiresAt, clock.time + ttlMs);
      await rejectsWith('failed-precondition', () => journal.claim('run-1', { owner: 'x', ttlMs }));
    },
  ),
  check(
    'who let go of a run cannot write, and the next one can claim at once',
    async ({ journal }) => {
      const first = await begin(journal);
      await journal.unclaim('run-1', first.epoch);
      equal((await journal.find('run-1'))?.claim, undefined);
      const entries = entriesAfter(head, 1);
      await rejectsWith('aborted', () => journal.append('run-1', first.epoch, head, entries));
      const second = await journal.claim('run-1', { owner: 'second', ttlMs });
      ok(second.epoch > first.epoch, 'an epoch is never used again');
    },
  ),
  check(
    'status and signed heads are kept with the events that they belong to',
    async ({ journal, open }) => {
      const { epoch } = await begin(journal);
      const entries = entriesAfter(head, 2);
      const signed: SignedHead = {
        spec: 'gantry-head/1',
        run: 'run-1',
        ...headOf(entries, head),
        time: 5,
        keyId: 'k',
        signature: 's',
      };
      await journal.append('run-1', epoch, head, entries, { status: 'finished', signed });
      const other = await open();
      equal((await other.find('run-1'))?.status, 'finished');
      deepEqual(await other.signedHeads('run-1'), [signed]);
    },
  ),
  check('the list has every run, the newest first', async ({ journal, clock }) => {
    await begin(journal, 'run-a');
    clock.time += 1;
    await begin(journal, 'run-b');
    deepEqual(
      (await collected(journal.list())).map(({ run }) => run),
      ['run-b', 'run-a'],
    );
  }),
  check(
    'reading goes on while others write, and does not keep them from it',
    async ({ journal, open }) => {
      const { epoch } = await begin(journal);
      const entries = entriesAfter(head, 600);
      await journal.append('run-1', epoch, head, entries);
      const reader = await open();
      let count = 0;
      for await (const entry of reader.read('run-1')) {
        count += 1;
        if (entry.sequence === 1) {
          const before = headOf(entries, head);
          await journal.append('run-1', epoch, before, entriesAfter(before, 1));
        }
      }
      ok(count >= 600, 'what was there when the reading began is read');
    },
  ),
  check(
    'erase destroys bodies and key for good, and leaves every event',
    async ({ journal, open }) => {
      const { epoch } = await begin(journal);
      const entries = entriesAfter(head, 2);
      await journal.append('run-1', epoch, head, entries);
      await journal.erase('run-1', epoch);
      await journal.erase('run-1', epoch);
      const other = await open();
      equal(await other.key('run-1'), undefined);
      const left = await collected(other.read('run-1', { bodies: true }));
      deepEqual(plain(left), plain(entries.map(({ body: _body, ...rest }) => rest)));
    },
  ),
  check('runs do not see each other', async ({ journal }) => {
    const first = await begin(journal, 'run-1');
    const second = await begin(journal, 'run-2');
    await journal.append('run-1', first.epoch, head, entriesAfter(head, 2));
    const own = firstHead('run-2');
    await journal.append('run-2', second.epoch, own, entriesAfter(own, 1));
    await journal.erase('run-2', second.epoch);
    const bodies = (await collected(journal.read('run-1', { bodies: true }))).map(
      ({ body }) => body,
    );
    ok(
      bodies.length === 2 && bodies.every((body) => body !== undefined),
      'another run keeps its bodies',
    );
  }),
];

/** Entries with bodies as plain arrays: a Buffer and a Uint8Array of the same bytes are the same body. */
function plain(entries: readonly JournalEntry[]): unknown {
  return entries.map(({ body, ...rest }) => ({ ...rest, ...(body ? { body: [...body] } : {}) }));
}

import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { createHarness, fileSigner, sqliteJournal } from '../../src/harness.ts';
import type { ExportFormat, Harness, RunFunction, Verification } from '../../src/harness.ts';
import { firstHead, nextHead } from '../../src/harness/journal/chain.ts';
import { memoryStore } from '../../src/snapshot.ts';
import { sharedHost } from './shared-host-driver.ts';
import { testDirectory } from './temporary-journal.ts';
import { eventsOf } from './workshop.ts';

const twoSteps: RunFunction<string> = async (run) => {
  await run.step('write', () => run.sandbox.files.write('a', 'one'));
  await run.step('look', async ({ tool }) => {
    await tool('grep', { pattern: 'one' }, () => ({ hits: 1 }));
    await run.sandbox.exec(['cat', 'a']);
  });
  await run.artifact('a');
  return 'done';
};

interface Place {
  readonly directory: string;
  readonly harness: Harness;
  readonly signerDirectory: string;
}

/** A finished, signed run `job-1`, whose journal is closed. */
async function finishedRun(work: RunFunction<unknown> = twoSteps): Promise<Place> {
  const directory = testDirectory();
  const signerDirectory = path.join(directory, 'signer');
  const place = path.join(directory, 'journal');
  const open = async (): Promise<{ harness: Harness; close: () => Promise<void> }> => {
    const journal = sqliteJournal(place);
    const providers = { shared: sharedHost(path.join(directory, 'sandboxes')) };
    const signer = await fileSigner(signerDirectory);
    const secrets = { TOKEN: 'sk-very/secret+value', OLD: 'p4ss "quoted" word' };
    const options = { journal, providers, store: memoryStore(), signer, secrets };
    return { harness: createHarness(options), close: () => journal.close() };
  };
  const { harness, close } = await open();
  await harness.run('job', { id: 'job-1', checkpoint: 'on-demand' }, work);
  await close();
  return { directory: place, harness: (await open()).harness, signerDirectory };
}

/** Changes the database as whoever has its file can. */
function tamper(directory: string, change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path.join(directory, 'journal.db'));
  change(database);
  database.close();
}

/** Makes all hashes fit again, as an attacker who knows the format would. */
function rechain(database: DatabaseSync): void {
  let head = firstHead('job-1');
  const rows = database
    .prepare("SELECT sequence, text FROM events WHERE run = 'job-1' ORDER BY sequence")
    .all();
  for (const { sequence, text } of rows) {
    head = nextHead(head, String(text));
    database
      .prepare('UPDATE events SET hash = ? WHERE sequence = ?')
      .run(head.hash, Number(sequence));
  }
  database.prepare('UPDATE runs SET size = ?, hash = ?').run(head.size, head.hash);
}

const kindsOf = ({ problems }: Verification): readonly string[] =>
  [...new Set(problems.map(({ kind }) => kind))].toSorted();

describe('verify', () => {
  // Proves: harness-unanchored
  test('a run that nobody touched is verified with the key, and unanchored without', async () => {
    const { harness } = await finishedRun();
    const events = await eventsOf(harness, 'job-1');
    const verified = await harness.verify('job-1');
    expect(verified).toMatchObject({ verdict: 'verified', problems: [], events: events.length });
    expect(verified.signedThrough).toBe(events.length);
    expect(await harness.verify('job-1', {})).toMatchObject({
      verdict: 'unanchored',
      problems: [],
    });
  });

  // Proves: harness-tamper-evident
  test.each<[string, (database: DatabaseSync) => void, readonly string[]]>([
    [
      'an edited event',
      (db) =>
        db.exec(`UPDATE events SET text = replace(text, '"job"', '"jab"') WHERE sequence = 1`),
      ['edited'],
    ],
    [
      'an edited and rehashed event',
      (db) => {
        db.exec(`UPDATE events SET text = replace(text, '"job"', '"jab"') WHERE sequence = 1`);
        rechain(db);
      },
      ['edited'],
    ],
    ['a deleted event', (db) => db.exec('DELETE FROM events WHERE sequence = 3'), ['missing']],
    [
      'a deleted event with the others moved up',
      (db) => {
        db.exec('DELETE FROM events WHERE sequence = 3');
        db.exec('UPDATE events SET sequence = sequence - 1 WHERE sequence > 3');
        rechain(db);
      },
      ['edited', 'reordered', 'truncated'],
    ],
    [
      'two events exchanged',
      (db) => {
        db.exec('UPDATE events SET sequence = 1000 WHERE sequence = 3');
        db.exec('UPDATE events SET sequence = 3 WHERE sequence = 4');
        db.exec('UPDATE events SET sequence = 4 WHERE sequence = 1000');
        rechain(db);
      },
      ['edited', 'reordered'],
    ],
    [
      'the end cut off',
      (db) => {
        db.exec('DELETE FROM events WHERE sequence > 5');
        rechain(db);
      },
      ['truncated'],
    ],
    [
      'the end cut off, with the signatures that cover it',
      (db) => {
        db.exec('DELETE FROM events WHERE sequence > 5; DELETE FROM heads WHERE size > 5');
        rechain(db);
      },
      ['truncated'],
    ],
    [
      'a body exchanged',
      (db) =>
        db.exec(
          "UPDATE bodies SET bytes = x'00' WHERE sequence = (SELECT max(sequence) FROM bodies)",
        ),
      ['body'],
    ],
    [
      'a body removed',
      (db) => db.exec('DELETE FROM bodies WHERE sequence = (SELECT min(sequence) FROM bodies)'),
      ['body'],
    ],
    [
      'a body added',
      (db) =>
        db.exec(
          "INSERT INTO bodies SELECT run, sequence, x'00' FROM events WHERE text LIKE '%run.claimed%'",
        ),
      ['body'],
    ],
    [
      'a forged head',
      (db) => db.exec(`UPDATE heads SET text = replace(text, '"time":1', '"time":2')`),
      ['signature'],
    ],
  ])('finds %s', async (_, change, kinds) => {
    const { directory, harness } = await finishedRun();
    tamper(directory, change);
    const verification = await harness.verify('job-1');
    expect(verification.verdict).toBe('broken');
    expect(kindsOf(verification)).toEqual(kinds);
  });

  test('finds an event that is of another run', async () => {
    const { directory, harness } = await finishedRun();
    await harness.run('job', { id: 'job-2' }, twoSteps);
    tamper(directory, (db) => {
      db.exec(
        "UPDATE events SET text = (SELECT text FROM events o WHERE o.run = 'job-2' AND o.sequence = 2) WHERE run = 'job-1' AND sequence = 2",
      );
    });
    expect(kindsOf(await harness.verify('job-1'))).toContain('edited');
  });

  test('another key does not vouch', async () => {
    const { harness } = await finishedRun();
    const { publicKey } = generateKeyPairSync('ed25519');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const verification = await harness.verify('job-1', { publicKey: pem });
    expect(kindsOf(verification)).toEqual(['signature']);
    expect(verification.signedThrough).toBe(0);
  });

  test('a run that does not fit its chain is not gone on with', async () => {
    const { directory, harness } = await finishedRun();
    tamper(directory, (db) =>
      db.exec(
        `UPDATE runs SET status = 'running'; UPDATE events SET text = replace(text, '"job"', '"jab"') WHERE sequence = 1`,
      ),
    );
    harness.define('job', {}, twoSteps);
    await expect(harness.resume('job-1')).rejects.toMatchObject({ code: 'data-loss' });
  });

  // Proves: harness-erased
  test('after erase the events are verified, and no body can be read', async () => {
    const { harness } = await finishedRun();
    const recorded = (await eventsOf(harness, 'job-1')).find(
      ({ type }) => type === 'step.recorded',
    );
    await harness.erase('job-1');
    await harness.erase('job-1');
    expect(await harness.verify('job-1')).toMatchObject({
      verdict: 'verified',
      erased: true,
      problems: [],
    });
    expect(await harness.body('job-1', recorded?.sequence ?? 0)).toBeUndefined();
  });

  test('the signing key is its owner’s alone', async () => {
    const { signerDirectory } = await finishedRun();
    expect(statSync(path.join(signerDirectory, 'signing.key')).mode & 0o777).toBe(0o600);
    const first = await fileSigner(signerDirectory);
    expect((await fileSigner(signerDirectory)).publicKey).toBe(first.publicKey);
  });
});

// Proves: harness-redacted
test('no secret reaches the journal, in whatever form it is printed', async () => {
  const secret = 'sk-very/secret+value';
  const other = 'p4ss "quoted" word';
  const { directory, harness } = await finishedRun(async (run) => {
    await run.step('print', async () => {
      await run.sandbox.exec(['echo', secret, Buffer.from(`xx${secret}yy`).toString('base64')]);
      return {
        plain: secret,
        hex: Buffer.from(secret).toString('hex'),
        inside: `a ${other} b`,
        json: JSON.stringify({ other }),
      };
    });
    await run.decide(`with ${secret}`, { uri: encodeURIComponent(other) }, () => [secret]);
    await run
      .step(
        'fail',
        () => {
          throw new Error(`bad ${secret}`);
        },
        { effects: 'none' },
      )
      .catch(() => undefined);
    await run.step('after', () => 1, { effects: 'none' });
  });
  const bodies = await Promise.all(
    (await eventsOf(harness, 'job-1')).map(async (event) => [
      event,
      await harness.body('job-1', event.sequence),
    ]),
  );
  const text = JSON.stringify(bodies);
  for (const value of [secret, other]) {
    const bytes = Buffer.from(value);
    const forms = [
      value,
      bytes.toString('hex'),
      encodeURIComponent(value),
      bytes.toString('base64').slice(0, -4),
      JSON.stringify(value).slice(1, -1),
    ];
    for (const form of forms)
      expect(text.includes(JSON.stringify(form).slice(1, -1)), form).toBe(false);
  }
  expect(text).toContain('[redacted:TOKEN]');
  expect(text).toContain('[redacted:OLD]');
  // Bodies are encrypted: not even the redacted text is in a file.
  for (const file of readdirSync(directory).filter((name) => name.startsWith('journal.db'))) {
    expect(readFileSync(path.join(directory, file)).includes('[redacted:OLD]'), file).toBe(false);
  }
});

describe('export', () => {
  async function exported(format: ExportFormat): Promise<readonly unknown[]> {
    const { harness } = await finishedRun();
    const lines: unknown[] = [];
    for await (const line of harness.export('job-1', format)) lines.push(JSON.parse(line));
    return lines;
  }

  test('jsonl has every event', async () => {
    const lines = await exported('jsonl');
    expect(lines.at(-2)).toMatchObject({ type: 'run.finished' });
    expect(
      lines
        .map((line, index) => [(line as { sequence: number }).sequence, index + 1])
        .every(([a, b]) => a === b),
    ).toBe(true);
  });

  test('intoto is a statement about the artifacts and the workspace', async () => {
    const [statement] = await exported('intoto');
    const sha256 = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed';
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [{ digest: { sha256 } }, { name: 'workspace' }],
      predicate: { runDetails: { metadata: { invocationId: 'job-1' } } },
    });
  });

  test('otel is one trace whose spans have their parents', async () => {
    const [trace] = (await exported('otel')) as {
      resourceSpans: {
        scopeSpans: {
          spans: { spanId: string; parentSpanId?: string; name: string; traceId: string }[];
        }[];
      }[];
    }[];
    const spans = trace?.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'run job',
        'step write',
        'step look',
        'execute_tool grep',
        'command',
        'artifact a',
      ]),
    );
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    expect(
      spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ name }) => name),
    ).toEqual(['run job']);
    expect(
      spans.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId)),
    ).toBe(true);
  });
});

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { Run } from '../../src/harness.ts';
import { endSandbox } from './shared-host-driver.ts';
import { workshop, type Workshop } from './workshop.ts';

/** Who nobody can be: a process of this boot that has ended. */
async function goneOwner({ harness, journal }: Workshop): Promise<string> {
  let owner = '';
  await harness.run('owner', {}, async (run) => {
    owner = (await journal.find(run.id))?.claim?.owner ?? '';
  });
  // Process ids end well below this one.
  return owner.replace(/ pid \d+ /, ' pid 4194303 ');
}

/** A sandbox with labels as a harness gives them, under a lease of this owner or none. */
async function leave(
  place: Workshop,
  owner: string | undefined,
  expires: number,
  labels: Record<string, string> = {},
): Promise<string> {
  const { leases } = place.journal;
  if (!leases) throw new Error('no leases');
  const id = randomUUID();
  if (owner !== undefined) await leases.acquire({ id, owner, provider: 'shared', ttlMs: expires });
  const until = String(Date.now() + 3_600_000);
  const sandbox = await place.provider.create({
    labels: { 'gantry.store': leases.id, 'gantry.lease': id, 'gantry.until': until, ...labels },
  });
  return sandbox.ref.id;
}

describe('reap', () => {
  // Proves: harness-reap-own
  test('destroys what nobody looks after, and nothing else', async () => {
    const place = workshop();
    const gone = await goneOwner(place);
    const hour = 3_600_000;
    const kept = [
      await leave(place, 'an owner on another machine', hour),
      await leave(place, undefined, 0, { 'gantry.store': 'another store' }),
      (await place.provider.create()).ref.id,
    ];
    await leave(place, gone, hour);
    await leave(place, 'an owner on another machine', 0);
    await leave(place, undefined, 0);
    await leave(place, undefined, 0, { 'gantry.store': 'another store', 'gantry.until': '1' });
    const report = await place.harness.reap();
    expect(place.sandboxes().toSorted()).toEqual(kept.toSorted());
    expect(report).toMatchObject({ released: 2, kept: 2, failed: [] });
    expect(report.destroyed).toHaveLength(4);
  });

  test('an owner that wakes up after the reaper is told, and cannot bring the lease back', async () => {
    const place = workshop();
    const { leases } = place.journal;
    const lease = await leases?.acquire({
      id: 'l-1',
      owner: 'elsewhere',
      provider: 'shared',
      ttlMs: 0,
    });
    await place.harness.reap();
    await expect(leases?.renew('l-1', lease?.epoch ?? 0, 1000)).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  test('what could not be listed is told, and left for the next time', async () => {
    const place = workshop();
    const gone = await goneOwner(place);
    await leave(place, gone, 3_600_000);
    const broken = place.provider.wrap((driver) => ({
      ...driver,
      inventory: {
        // oxlint-disable-next-line require-yield -- it fails before it has anything
        async *list(): AsyncGenerator<never> {
          throw new Error('no list today');
        },
      },
    }));
    const report = await place.again({ providers: { shared: broken } }).reap();
    expect(report.failed).toHaveLength(1);
    expect(place.sandboxes()).toHaveLength(1);
    await place.harness.reap();
    expect(place.sandboxes()).toEqual([]);
  });
});

describe('the pool', () => {
  /** Runs a job whose manifest has a local file; tells in which sandbox it was and what it read there. */
  async function once(
    harness: Workshop['harness'],
    source: string,
  ): Promise<{ id: string; text: string }> {
    const manifest = {
      spec: 'gantry-manifest/1',
      entries: { 'in.txt': { type: 'localFile', source } },
    } as const;
    const outcome = await harness.run('job', { sandbox: { manifest } }, (run: Run) =>
      run.step('read', async () => ({
        id: (await run.sandbox.ref()).id,
        text: await run.sandbox.files.readText('in.txt'),
      })),
    );
    if (outcome.status !== 'finished') throw new Error('not finished');
    return outcome.value;
  }

  /** Waits for what the pool makes in the background. */
  async function warm(place: Workshop, count: number): Promise<readonly string[]> {
    await expect.poll(() => place.sandboxes().length, { timeout: 60_000 }).toBe(count);
    return place.sandboxes();
  }

  // Proves: harness-pool-key
  test('hands out a warm sandbox of the same plan once, and none when a local source has changed', async () => {
    const place = workshop();
    const source = path.join(place.directory, 'in.txt');
    writeFileSync(source, 'one');
    const harness = place.again({ pool: { min: 1, max: 4 } });
    await once(harness, source);
    const [ready] = await warm(place, 1);
    writeFileSync(source, 'two');
    const changed = await once(harness, source);
    expect(changed.text).toBe('two');
    expect(changed.id).not.toBe(ready);
    await harness.close();
    expect(place.sandboxes()).toEqual([]);
  });

  test('a warm sandbox that has ended is not handed out', async () => {
    const place = workshop();
    const source = path.join(place.directory, 'in.txt');
    writeFileSync(source, 'one');
    await using harness = place.again({ pool: { min: 1, max: 1 } });
    await once(harness, source);
    const [ready = ''] = await warm(place, 1);
    endSandbox(place.root, ready);
    const next = await once(harness, source);
    expect(next).toMatchObject({ text: 'one' });
    expect(next.id).not.toBe(ready);
  });

  test('the next run has the sandbox that was warm', async () => {
    const place = workshop();
    const source = path.join(place.directory, 'in.txt');
    writeFileSync(source, 'one');
    const harness = place.again({ pool: { min: 1, max: 2 } });
    const first = await once(harness, source);
    const ready = await warm(place, 1);
    // It is on its shelf a moment after it is in the inventory: one of the next runs finds it.
    const used = new Set<string>([first.id]);
    for (let tries = 0; tries < 50 && !ready.some((id) => used.has(id)); tries++)
      used.add((await once(harness, source)).id);
    expect(ready.some((id) => used.has(id))).toBe(true);
    await harness.close();
    expect(place.sandboxes()).toEqual([]);
  });
});

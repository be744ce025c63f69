import { deepEqual, equal, ok } from 'node:assert/strict';
import { collected, type ContractCheck, rejectsWith } from '../../testing/contract-check.ts';
import type { LeaseRequest, LeaseStore } from './lease-store.ts';

/** A place for leases that is empty at first. Each `open` opens the same place. */
export interface LeaseSubject {
  /** Its clock is `now`, in milliseconds since the Unix epoch. */
  open(now: () => number): Promise<LeaseStore>;
}

const ttlMs = 1000;
const request: LeaseRequest = { id: 'lease-1', owner: 'first', provider: 'host', ttlMs };

interface Place {
  readonly leases: LeaseStore;
  /** The same place as another process sees it. */
  readonly other: LeaseStore;
  readonly clock: { time: number };
}

function check(name: string, work: (place: Place) => Promise<void>): ContractCheck<LeaseSubject> {
  return {
    name,
    async run(subject) {
      const clock = { time: 1_700_000_000_000 };
      const open = (): Promise<LeaseStore> => subject.open(() => clock.time);
      await work({ leases: await open(), other: await open(), clock });
    },
  };
}

/** What every lease store must do. Run each check on a place of its own. */
export const leaseChecks: readonly ContractCheck<LeaseSubject>[] = [
  check(
    'a lease is there for others as soon as it was acquired',
    async ({ leases, other, clock }) => {
      const lease = await leases.acquire(request);
      deepEqual(lease, {
        id: 'lease-1',
        epoch: 1,
        owner: 'first',
        provider: 'host',
        expiresAt: clock.time + ttlMs,
      });
      deepEqual(await other.find('lease-1'), lease);
      equal(other.id, leases.id);
      await rejectsWith('already-exists', () => other.acquire(request));
    },
  ),
  check('renewing moves the end and keeps the ref', async ({ leases, other, clock }) => {
    await leases.acquire(request);
    clock.time += 500;
    await leases.renew('lease-1', 1, ttlMs, 'a ref');
    const renewed = await leases.renew('lease-1', 1, 2 * ttlMs);
    equal(renewed.ref, 'a ref');
    equal(renewed.expiresAt, clock.time + 2 * ttlMs);
    deepEqual(await other.find('lease-1'), renewed);
  }),
  check(
    'only what has run out can be fenced, unless its epoch is named',
    async ({ leases, other, clock }) => {
      await leases.acquire(request);
      const taker = { owner: 'second', ttlMs };
      await rejectsWith('failed-precondition', () => other.fence('lease-1', taker));
      await rejectsWith('failed-precondition', () => other.fence('lease-1', { ...taker, over: 7 }));
      equal((await other.fence('lease-1', { ...taker, over: 1 })).epoch, 2);
      clock.time += ttlMs;
      const third = await leases.fence('lease-1', { owner: 'third', ttlMs });
      equal(third.epoch, 3);
      equal(third.owner, 'third');
    },
  ),
  check('who was fenced off is told, and can change nothing', async ({ leases, other, clock }) => {
    await leases.acquire(request);
    clock.time += ttlMs;
    await other.fence('lease-1', { owner: 'second', ttlMs });
    await rejectsWith('aborted', () => leases.renew('lease-1', 1, ttlMs));
    await rejectsWith('aborted', () => leases.release('lease-1', 1));
    equal((await other.find('lease-1'))?.owner, 'second');
  }),
  check('of two that fence at once, one has the lease', async ({ leases, other, clock }) => {
    await leases.acquire(request);
    clock.time += ttlMs;
    const tries = await Promise.allSettled([
      leases.fence('lease-1', { owner: 'a', ttlMs }),
      other.fence('lease-1', { owner: 'b', ttlMs }),
    ]);
    equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
  }),
  check(
    'a lease that was released is gone, and releasing it again is no error',
    async ({ leases, other }) => {
      await leases.acquire(request);
      await leases.release('lease-1', 1);
      await leases.release('lease-1', 1);
      equal(await other.find('lease-1'), undefined);
      await rejectsWith('aborted', () => leases.renew('lease-1', 1, ttlMs));
      await rejectsWith('not-found', () => leases.fence('lease-1', { owner: 'x', ttlMs }));
    },
  ),
  check('the list has every lease and says which have run out', async ({ leases, clock }) => {
    await leases.acquire(request);
    await leases.acquire({ ...request, id: 'lease-2', ttlMs: 10 * ttlMs });
    clock.time += ttlMs;
    const listed = await collected(leases.list());
    const byId = listed.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    deepEqual(
      byId.map(({ id, expired }) => [id, expired]),
      [
        ['lease-1', true],
        ['lease-2', false],
      ],
    );
    ok(
      listed.every(({ provider }) => provider === 'host'),
      'each names its provider',
    );
  }),
];

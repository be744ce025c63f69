import type { Sandbox } from '@gantry/core';
import type { RehydrateOptions, Snapshot, SnapshotStore } from '@gantry/core/snapshot';
import type { CheckContext } from '../../runner/check-context.ts';
import { captured, rehydrated } from '../rehydration/workspace.ts';

/** A workspace that goes from the subject to the second provider. */
export interface Journey {
  /** At the subject. */
  readonly here: Sandbox;
  readonly store: SnapshotStore;
  readonly snapshot: Snapshot;
  /** At the second provider. */
  readonly there: Sandbox;
}

/** Fills a workspace by a script, and moves it to the second provider. */
export async function moved(
  t: CheckContext,
  filling: { readonly script?: string; readonly store?: SnapshotStore },
  options: RehydrateOptions = {},
): Promise<Journey> {
  const { sandbox: here, store, snapshot } = await captured(t, filling);
  const there = await rehydrated(t, snapshot, store, options, t.second);
  return { here, store, snapshot, there };
}

/** Moves on from the second provider to a new sandbox of the subject; what is taken there must have the expected digest. */
export async function broughtBack(t: CheckContext, journey: Journey): Promise<Sandbox> {
  const { there, store, snapshot } = journey;
  const taken = await there.snapshot(store);
  t.equal(taken.tree, snapshot.tree, 'digest at the second provider');
  const back = await rehydrated(t, taken, store);
  t.equal((await back.snapshot(store)).tree, snapshot.tree, 'digest back at the first provider');
  return back;
}

/** What a line of shell says in each of the three places must be the same. */
export async function sameEverywhere(
  t: CheckContext,
  line: string,
  places: readonly Sandbox[],
  what: string,
): Promise<string> {
  const said: string[] = [];
  for (const place of places) said.push(t.succeeded(await place.exec(line), what));
  const [first = ''] = said;
  for (const other of said.slice(1)) t.equal(other, first, what);
  return first;
}

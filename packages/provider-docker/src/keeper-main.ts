import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { endSandbox } from './containers.ts';
import { daemonAddress } from './daemon-address.ts';
import { statusOf } from './errors.ts';
import type { KeeperAnswer, KeeperOrder } from './keeper.ts';
import { ownLabels } from './labels.ts';

// The program behind `Keeper`: removes containers when their time is over. It goes on when its input ends, and ends
// itself when none of its containers is left.

/** Longest wait of a timer; Node's own bound is 2^31 - 1 milliseconds. */
const longestWaitMs = 24 * 3_600_000;
const longestPauseMs = 30_000;
/** With a daemon that is away, how long after the last container's time it is given up. */
const givenUpAfterMs = 600_000;

const expiresAt = new Map<string, number>();
let daemon: Dockerode | undefined;
let isInputOver = false;
let timer: NodeJS.Timeout | undefined;

function endIfDone(): void {
  if (isInputOver && expiresAt.size === 0) process.exit(0);
}

function say(answer: KeeperAnswer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Follows the daemon's events, so that containers that are gone are not kept in mind. */
async function follow(client: Dockerode, ready: () => void): Promise<never> {
  for (let pause = 500; ; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      const filters = { event: ['destroy'], label: [`${ownLabels.kind}=sandbox`] };
      const events = await client.getEvents({ filters });
      pause = 500;
      ready();
      await forgetGone(client);
      for await (const _ of events) await forgetGone(client);
    } catch {
      // The daemon is away; it is asked again, and its containers are still removed when they are due.
    }
    if (Math.max(0, ...expiresAt.values()) + givenUpAfterMs < Date.now() && isInputOver)
      process.exit(1);
    await delay(pause);
  }
}

async function forgetGone(client: Dockerode): Promise<void> {
  const filters = { label: [`${ownLabels.kind}=sandbox`] };
  const there = new Set((await client.listContainers({ all: true, filters })).map(({ Id }) => Id));
  for (const id of expiresAt.keys()) if (!there.has(id)) expiresAt.delete(id);
  endIfDone();
}

function schedule(client: Dockerode): void {
  clearTimeout(timer);
  const next = Math.min(...expiresAt.values());
  if (next === Infinity) return;
  const wait = Math.min(Math.max(next - Date.now(), 0), longestWaitMs);
  timer = setTimeout(() => void endDue(client), wait);
}

async function endDue(client: Dockerode): Promise<void> {
  const due = [...expiresAt].filter(([, time]) => time <= Date.now());
  for (const [id] of due) {
    try {
      const { Config } = await client.getContainer(id).inspect();
      await endSandbox(client, { Id: id, Labels: Config.Labels });
      expiresAt.delete(id);
    } catch (error) {
      if (statusOf(error) === 404) expiresAt.delete(id);
      // The daemon is away or busy: again soon.
      else expiresAt.set(id, Date.now() + 1_000);
    }
  }
  endIfDone();
  schedule(client);
}

async function begin(host: string | undefined): Promise<void> {
  const client = new Dockerode(daemonAddress(host).connection);
  await client.ping();
  const ready = Promise.withResolvers<void>();
  void follow(client, ready.resolve);
  await ready.promise;
  daemon = client;
}

async function obey(order: KeeperOrder): Promise<void> {
  if ('host' in order) return begin(order.host ?? undefined);
  if (!daemon) throw new Error('the keeper was not told which daemon');
  expiresAt.set(order.container, order.expiresAt);
  // It may be gone already, and its event with it.
  await forgetGone(daemon);
  schedule(daemon);
}

process.stdout.on('error', () => undefined); // Whoever asked is gone; what was ordered stands.
for await (const line of createInterface({ input: process.stdin })) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other side is this package's own `Keeper`
  const order = JSON.parse(line) as KeeperOrder;
  await obey(order).then(
    () => say({ ok: true }),
    (error: unknown) =>
      say({
        problem: `the keeper of sandboxes: ${error instanceof Error ? error.message : String(error)}`,
      }),
  );
}
isInputOver = true;
if (daemon) await forgetGone(daemon).catch(() => undefined); // `follow` asks again.
endIfDone();

import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { SandboxError, type WatchEvent } from '@gantry/core';
import type { E2bSandbox } from '../e2b-sandbox.ts';
import { entryInfo } from './entry-info.ts';
import { describeEntry } from './entry-script.ts';
import { EventChannel } from './event-channel.ts';
import {
  EventType,
  type FilesystemEventSchema,
  type WatchDirResponseSchema,
} from './wire/filesystem.ts';

type FilesystemEvent = MessageInitShape<typeof FilesystemEventSchema>;
type WatchResponse = MessageInitShape<typeof WatchDirResponseSchema>;

interface WatchOptions {
  readonly recursive: boolean;
  readonly includeEntry: boolean;
  readonly signal?: AbortSignal;
}

/** Events that wait for somebody to ask; then the oldest are dropped. */
const mostWaiting = 10_000;
const types = {
  created: EventType.CREATE,
  changed: EventType.WRITE,
  removed: EventType.REMOVE,
} as const;

/** Watches from this very call on. `failed` settles when the watch is over, and rejects when it did not end by the signal. */
export function watchEvents(
  emulated: E2bSandbox,
  directory: string,
  options: WatchOptions,
): { channel: EventChannel<WatchResponse>; failed: Promise<void> } {
  const channel = new EventChannel<WatchResponse>();
  const tell = async (filesystem: FilesystemEvent): Promise<boolean> =>
    channel.send({ event: { case: 'filesystem', value: filesystem } });
  const failed = watch(emulated, directory, options, tell);
  failed.then(
    () => channel.end(),
    () => channel.end(),
  );
  return { channel, failed };
}

/** Watches whose events are fetched rather than streamed. */
export class Watchers {
  readonly #watchers = new Map<string, { events: FilesystemEvent[]; stop: AbortController }>();

  add(emulated: E2bSandbox, directory: string, options: WatchOptions): string {
    const id = randomUUID();
    const watcher = { events: [] as FilesystemEvent[], stop: new AbortController() };
    this.#watchers.set(id, watcher);
    const keep = (event: FilesystemEvent): Promise<boolean> => {
      watcher.events.push(event);
      if (watcher.events.length > mostWaiting) watcher.events.shift();
      return Promise.resolve(true);
    };
    const { signal } = watcher.stop;
    const over = (): void => void this.#watchers.delete(id);
    watch(emulated, directory, { ...options, signal }, keep).then(over, over);
    return id;
  }

  /** The events since the last time. Throws the vendor's `not_found`. */
  take(id: string): FilesystemEvent[] {
    return this.#find(id).events.splice(0);
  }

  remove(id: string): void {
    this.#find(id).stop.abort();
    this.#watchers.delete(id);
  }

  #find(id: string): { events: FilesystemEvent[]; stop: AbortController } {
    const found = this.#watchers.get(id);
    if (found) return found;
    throw new ConnectError(`watcher with id ${id} not found`, Code.NotFound);
  }
}

async function watch(
  emulated: E2bSandbox,
  directory: string,
  { recursive, includeEntry, signal }: WatchOptions,
  tell: (event: FilesystemEvent) => Promise<boolean>,
): Promise<void> {
  const { sandbox } = emulated;
  const options = { recursive, ...(signal === undefined ? {} : { signal }) };
  try {
    for await (const event of sandbox.files.watch(directory, options)) {
      if (!(await tell(await wireEvent(emulated, directory, event, includeEntry)))) return;
    }
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'cancelled') throw error;
  }
}

async function wireEvent(
  emulated: E2bSandbox,
  directory: string,
  { kind, path = directory }: WatchEvent,
  includeEntry: boolean,
): Promise<FilesystemEvent> {
  if (kind === 'overflow') throw new ConnectError('events were lost', Code.DataLoss);
  const base = directory.replace(/\/+$/, '');
  const event = { name: path.slice(base.length + 1), type: types[kind] };
  if (!includeEntry || kind === 'removed') return event;
  try {
    return { ...event, entry: entryInfo(emulated, await describeEntry(emulated.sandbox, path)) };
  } catch (error) {
    // It went again since.
    if (error instanceof ConnectError && error.code === Code.NotFound) return event;
    throw error;
  }
}

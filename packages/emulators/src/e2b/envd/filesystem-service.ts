import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { SandboxError } from '@gantry/core';
import { isDirectory } from '../../chassis/guest-entries.ts';
import { callOf, type EnvdCall } from './envd-call.ts';
import { entryInfo } from './entry-info.ts';
import { describeDirectory, describeEntry } from './entry-script.ts';
import { guestPath } from './guest-path.ts';
import { asUser, userOf } from './guest-user.ts';
import { keepAlive } from './process-service.ts';
import { watchEvents } from './watchers.ts';
import type { Filesystem } from './wire/filesystem.ts';

/** envd's `filesystem.Filesystem`. */
export const filesystemService: ServiceImpl<typeof Filesystem> = {
  async stat({ path }, context) {
    const { call, sandbox } = open(context);
    return {
      entry: entryInfo(call.sandbox, await call.run(() => describeEntry(sandbox, guestPath(path)))),
    };
  },

  async makeDir({ path: given }, context) {
    const { call, sandbox } = open(context);
    const path = guestPath(given);
    const there = await call.run(() => ifThere(describeEntry(sandbox, path)));
    if (there && isDirectory(there)) {
      throw new ConnectError(`directory already exists: ${path}`, Code.AlreadyExists);
    }
    if (there) {
      const message = `path already exists but it is not a directory: ${path}`;
      throw new ConnectError(message, Code.InvalidArgument);
    }
    await call.run(() => sandbox.files.makeDirectory(path));
    return { entry: entryInfo(call.sandbox, await call.run(() => describeEntry(sandbox, path))) };
  },

  async move(request, context) {
    const { call, sandbox } = open(context);
    const [source, destination] = [guestPath(request.source), guestPath(request.destination)];
    await call.run(() => sandbox.files.move(source, destination));
    const { fileMetadata } = call.sandbox.details;
    const metadata = fileMetadata.get(source);
    fileMetadata.delete(source);
    if (metadata) fileMetadata.set(destination, metadata);
    return {
      entry: entryInfo(call.sandbox, await call.run(() => describeEntry(sandbox, destination))),
    };
  },

  async listDir({ path, depth }, context) {
    const { call, sandbox } = open(context);
    const list = (): ReturnType<typeof describeDirectory> =>
      describeDirectory(sandbox, guestPath(path), depth || 1);
    const entries = await call.run(list);
    return { entries: entries.map((entry) => entryInfo(call.sandbox, entry)) };
  },

  async remove({ path: given }, context) {
    const { call, sandbox } = open(context);
    const path = guestPath(given);
    await call.run(() => ifThere(sandbox.files.remove(path)));
    call.sandbox.details.fileMetadata.delete(path);
    return {};
  },

  async *watchDir({ path, recursive, includeEntry }, context) {
    const { call, sandbox } = open(context);
    const directory = guestPath(path);
    await call.run(() => requireDirectory(sandbox, directory));
    const stop = new AbortController();
    using stack = new DisposableStack();
    stack.use(call.sandbox.onInterruption(call.drop));
    stack.defer(() => stop.abort());
    context.signal.addEventListener('abort', () => stop.abort(), { once: true });
    const { channel, failed } = watchEvents(call.sandbox, directory, {
      ...{ recursive, includeEntry, signal: stop.signal },
    });
    stack.use(
      keepAlive(context, () => void channel.send({ event: { case: 'keepalive', value: {} } })),
    );
    yield { event: { case: 'start', value: {} } };
    yield* channel.events;
    await call.run(() => failed);
  },

  async createWatcher({ path, recursive, includeEntry }, context) {
    const { call, sandbox } = open(context);
    const directory = guestPath(path);
    await call.run(() => requireDirectory(sandbox, directory));
    const { watchers } = call.sandbox.details;
    return { watcherId: watchers.add(call.sandbox, directory, { recursive, includeEntry }) };
  },

  getWatcherEvents({ watcherId }, context) {
    return { events: callOf(context).sandbox.details.watchers.take(watcherId) };
  },

  removeWatcher({ watcherId }, context) {
    callOf(context).sandbox.details.watchers.remove(watcherId);
    return {};
  },
};

function open(context: HandlerContext): {
  call: EnvdCall;
  sandbox: EnvdCall['sandbox']['sandbox'];
} {
  const call = callOf(context);
  const { sandbox } = call.sandbox;
  // Files are touched as the guest's own user; any other must at least exist.
  asUser(sandbox, userOf(context.requestHeader.get('authorization')));
  return { call, sandbox };
}

async function requireDirectory(
  sandbox: EnvdCall['sandbox']['sandbox'],
  path: string,
): Promise<void> {
  if (isDirectory(await describeEntry(sandbox, path))) return;
  throw new ConnectError(`path '${path}' is not a directory`, Code.InvalidArgument);
}

/** What is missing reads as `undefined`. */
async function ifThere<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
    if (SandboxError.is(error) && error.details['reason'] === 'not-found') return undefined;
    throw error;
  }
}

import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { guestEnvironment } from '../guest.ts';
import { callOf, type EnvdCall } from './envd-call.ts';
import type { EnvdProcess, ProcessEvent } from './envd-process.ts';
import { asUser, userOf } from './guest-user.ts';
import { type Process, Signal } from './wire/process.ts';

type Selector = Parameters<EnvdCall['sandbox']['details']['processes']['find']>[0];

/** envd's `process.Process`: starts processes and terminals, and follows, feeds and kills them. */
export const processService: ServiceImpl<typeof Process> = {
  list(_request, context) {
    const processes = callOf(context).sandbox.details.processes.list();
    return {
      processes: processes.map(({ pid, tag, config: { args, envs, ...rest } }) => ({
        pid,
        config: { args: [...args], envs: { ...envs }, ...rest },
        ...(tag === undefined ? {} : { tag }),
      })),
    };
  },

  async *start(request, context) {
    const call = callOf(context);
    const { sandbox: emulated } = call;
    const { cmd = '', args = [], envs = {}, cwd } = request.process ?? {};
    const { size } = request.pty ?? {};
    const user = asUser(emulated.sandbox, userOf(context.requestHeader.get('authorization')));
    const process = await call.run(() =>
      emulated.details.processes.start(emulated.sandbox, {
        config: { cmd, args, envs, ...(cwd === undefined ? {} : { cwd }) },
        tag: request.tag,
        stdin: request.stdin ?? true,
        user,
        base: guestEnvironment(emulated.id, emulated.details.request),
        ...(size ? { size: { columns: size.cols, rows: size.rows } } : {}),
      }),
    );
    // The vendor's limit of time is the process's own, also in the background.
    const timeoutMs = context.timeoutMs();
    if (timeoutMs !== undefined) process.killAfter(timeoutMs);
    yield* follow(call, process, context);
  },

  async *connect(request, context) {
    const process = find(context, request.process?.selector);
    yield* follow(callOf(context), process, context);
  },

  async update(request, context) {
    const { size } = request.pty ?? {};
    if (size) {
      const { cols: columns, rows } = size;
      await find(context, request.process?.selector).resize({ columns, rows });
    }
    return {};
  },

  async sendInput(request, context) {
    const { input } = request.input ?? {};
    if (!input?.case) throw new ConnectError('there is no input', Code.InvalidArgument);
    await find(context, request.process?.selector).write(input.value, input.case);
    return {};
  },

  async streamInput(requests, context) {
    let process: EnvdProcess | undefined;
    for await (const { event } of requests) {
      if (event.case === 'start') process = find(context, event.value.process?.selector);
      if (event.case !== 'data') continue;
      const { input } = event.value.input ?? {};
      if (!process || !input?.case) {
        throw new ConnectError('input before the start event', Code.InvalidArgument);
      }
      await process.write(input.value, input.case);
    }
    return {};
  },

  async sendSignal(request, context) {
    const process = find(context, request.process?.selector);
    if (process.ended) throw new ConnectError('process not found', Code.NotFound);
    const { signal } = request;
    if (signal !== Signal.SIGKILL && signal !== Signal.SIGTERM) {
      throw new ConnectError(`invalid signal: ${signal}`, Code.Unimplemented);
    }
    await process.kill(signal === Signal.SIGKILL ? 'SIGKILL' : 'SIGTERM');
    return {};
  },

  async closeStdin(request, context) {
    await find(context, request.process?.selector).closeInput();
    return {};
  },
};

function find(context: HandlerContext, selector: Selector): EnvdProcess {
  return callOf(context).sandbox.details.processes.find(selector);
}

/** The events of a process until it ends, its client goes, or the client's time is up. */
async function* follow(
  call: EnvdCall,
  process: EnvdProcess,
  context: HandlerContext,
): AsyncGenerator<{ event: ProcessEvent }> {
  const channel = process.follow();
  const reader = channel.events.getReader();
  using stack = new DisposableStack();
  stack.use(call.sandbox.onInterruption(call.drop));
  stack.use(
    keepAlive(context, () => void channel.send({ event: { case: 'keepalive', value: {} } })),
  );
  const stopped = Promise.withResolvers<'stopped'>();
  context.signal.addEventListener('abort', () => stopped.resolve('stopped'), { once: true });
  if (context.signal.aborted) stopped.resolve('stopped');
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), stopped.promise]);
      if (next === 'stopped') break;
      if (next.done) return;
      yield { event: next.value };
    }
    const reason: unknown = context.signal.reason;
    if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) throw reason;
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    // The link to the guest is lost. The vendor's clients see a connection that breaks, and no end event.
    call.drop();
    throw new ConnectError(String(error), Code.Unavailable);
  } finally {
    process.unfollow(channel);
    reader.cancel().catch(() => undefined); // It has failed already, which was told above.
  }
}

/** Calls again and again, as often as the client asks for in seconds. */
export function keepAlive(context: HandlerContext, send: () => void): Disposable {
  const seconds = Number(context.requestHeader.get('keepalive-ping-interval') ?? 90);
  const timer = setInterval(send, Math.max(1, seconds || 90) * 1000);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from '@connectrpc/connect';
import { isGone } from '../../chassis/emulated-sandboxes.ts';
import type { E2bSandbox } from '../e2b-sandbox.ts';
import { toRpcError } from './rpc-error.ts';

/** The sandbox that a request to envd is about, and the connection that brought it. */
export interface EnvdCall {
  readonly sandbox: E2bSandbox;
  /** Breaks the connection off, as a sandbox does that goes away. */
  readonly drop: () => void;
  /** Does something in the sandbox; its errors become the vendor's. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Where a handler finds its call. */
export const envdCall: ContextKey<EnvdCall | undefined> = createContextKey<EnvdCall | undefined>(
  undefined,
);

export function newEnvdCall(sandbox: E2bSandbox, drop: () => void): EnvdCall {
  return {
    sandbox,
    drop,
    async run(work) {
      try {
        return await work();
      } catch (error) {
        if (!(await isGone(error, sandbox.sandbox))) throw toRpcError(error);
        // The vendor's router no longer reaches such a sandbox; there is nobody in it to answer.
        sandbox.interrupt();
        throw new ConnectError('The sandbox was not found', Code.Unavailable);
      }
    },
  };
}

export function callOf(context: HandlerContext): EnvdCall {
  const call = context.values.get(envdCall);
  if (!call) throw new Error('a request reached envd without a sandbox');
  return call;
}

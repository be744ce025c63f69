import type * as OpenTelemetry from '@opentelemetry/api';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** What a span says from its begin. */
export interface SpanStart {
  readonly name: string;
  /** `client` for a call of something else that is waited for. Default `internal`. */
  readonly kind?: 'client';
  readonly attributes: SpanAttributes;
}

/** Names of OpenTelemetry's semantic conventions, and `gantry.*` for the rest. */
type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span while its work runs. */
export interface LiveSpan {
  readonly set: (attributes: SpanAttributes) => void;
  /** The work has a result, and it is a failure of that type. */
  readonly fail: (type: string) => void;
}

type Api = typeof OpenTelemetry;

const untold: LiveSpan = { set: () => undefined, fail: () => undefined };
let loading: Promise<Api | undefined> | undefined;

/**
 * Does a piece of work within a span of the program's own OpenTelemetry, whose context the work runs in. Without the
 * package, or without an SDK that is registered there, it is just done. An error is told by its code alone: its message
 * may hold what no trace should.
 */
export async function inSpan<Result>(
  { name, kind, attributes }: SpanStart,
  work: (span: LiveSpan) => Promise<Result>,
): Promise<Result> {
  loading ??= loadApi();
  const api = await loading;
  if (!api) return work(untold);
  const { SpanKind, SpanStatusCode } = api;
  const options = { kind: kind ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes };
  return api.trace.getTracer('@gantry/core').startActiveSpan(name, options, async (span) => {
    const fail = (type: string): void => {
      span.setAttribute('error.type', type);
      span.setStatus({ code: SpanStatusCode.ERROR });
    };
    try {
      return await work({ set: (more) => void span.setAttributes(more), fail });
    } catch (error) {
      fail(typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

function typeOf(error: unknown): string {
  if (SandboxError.is(error)) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

/** The package is the program's to have: an optional peer. */
async function loadApi(): Promise<Api | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    const isAbsent =
      error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (isAbsent) return undefined;
    throw error;
  }
}

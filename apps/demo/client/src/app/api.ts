import { parseAnswer } from './parse-answer.ts';

/** What the server says went wrong: what happened, to what, and, where it knows, what to do next. */
export class ApiError extends Error {
  /** A code of `SandboxError`, or `unreachable` where no answer came. */
  readonly code: string;
  readonly status: number;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { status: number; hint?: string }) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = options.status;
    this.hint = options.hint;
  }
}

/** A request's body: a value that becomes JSON, or bytes as they are. */
type Body = { readonly json: unknown } | { readonly bytes: Blob | Uint8Array<ArrayBuffer> };

/** Asks the server; throws {@link ApiError} for every answer but a good one. The caller reads the body. */
export async function request(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  options: { body?: Body; signal?: AbortSignal } = {},
): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  // The server refuses a change without this header, which no other origin's page can send.
  if (method !== 'GET') headers['x-gantry-demo'] = '1';
  const { body, signal } = options;
  if (body !== undefined && 'json' in body) headers['content-type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) init.body = 'json' in body ? JSON.stringify(body.json) : body.bytes;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError('unreachable', 'The server of this app does not answer.', {
      status: 0,
      hint: 'It has probably ended. Start it again with `npm run demo` and open the address that it prints.',
    });
  }
  if (!response.ok) throw await readError(response);
  return response;
}

async function readError(response: Response): Promise<ApiError> {
  const text = await response.text();
  const status = response.status;
  const parsed = parseError(text);
  if (parsed !== undefined) {
    const { code, message, hint } = parsed;
    return new ApiError(code, message, hint === undefined ? { status } : { status, hint });
  }
  return new ApiError(
    'internal',
    `The server answered with status ${status}: ${text.slice(0, 200)}`,
    {
      status,
    },
  );
}

function parseError(text: string): { code: string; message: string; hint?: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No JSON: the caller shows the text itself.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('error' in value)) return undefined;
  const { error } = value;
  if (typeof error !== 'object' || error === null) return undefined;
  if (!('code' in error) || !('message' in error)) return undefined;
  const found = { code: String(error.code), message: String(error.message) };
  return 'hint' in error && typeof error.hint === 'string' ? { ...found, hint: error.hint } : found;
}

/** GETs JSON of the type that `src/protocol` gives this path. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await request('GET', path, signal === undefined ? {} : { signal });
  return parseAnswer<Answer>(await response.text());
}

/** Sends JSON and reads JSON of the type that `src/protocol` gives this path. */
export async function send<Answer>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  json?: unknown,
): Promise<Answer> {
  const response = await request(method, path, json === undefined ? {} : { body: { json } });
  const text = await response.text();
  // Where nothing is answered, `Answer` is `void` or `null`.
  return parseAnswer<Answer>(text === '' ? 'null' : text);
}

/** A path with its parameters encoded: `` path`/api/sandboxes/${id}` ``. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(value)));
}

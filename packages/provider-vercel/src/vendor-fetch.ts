import { AsyncLocalStorage } from 'node:async_hooks';

/** Where the SDK sends everything; it has no option for another place. */
const vendorApi = 'https://vercel.com/api';

/** Resolves when whoever reads an answer has room for more of it. */
export type Pace = () => Promise<void>;

/** Has the answers to requests that are made within `run` arrive no faster than they are read: the SDK itself would buffer all of them. */
export const paces: AsyncLocalStorage<Pace> = new AsyncLocalStorage<Pace>();

/** A request that may have had its effect, and must not be made again. The SDK makes no second try after an error of this name. */
export class NotRepeated extends Error {
  override readonly name = 'AbortError';
  /** The vendor's answer, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, cause: unknown, status?: number) {
    super(message, { cause });
    this.status = status;
  }
}

/**
 * What the SDK makes its requests with. It would repeat any that failed, a command too; here only those are repeated
 * that can be without another effect, and those that the vendor did not take up (429).
 */
export function vendorFetch(apiUrl: string | undefined): typeof globalThis.fetch {
  const place = apiUrl?.replace(/\/+$/, '') ?? vendorApi;
  return async (input, init) => {
    const asked = input instanceof Request ? input.url : String(input);
    const url = asked.startsWith(vendorApi) ? place + asked.slice(vendorApi.length) : asked;
    const once = init?.method === 'POST';
    let response: Response;
    try {
      response = await fetch(url, init);
    } catch (error) {
      if (!once || init.signal?.aborted) throw error;
      throw new NotRepeated(error instanceof Error ? error.message : String(error), error);
    }
    if (once && response.status >= 500) {
      const said = await response.text().catch(() => ''); // The status says enough.
      const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(said)?.[1] ?? response.statusText;
      throw new NotRepeated(message, undefined, response.status);
    }
    const pace = paces.getStore();
    if (!pace || !response.body || !response.ok) return response;
    const { status, headers } = response;
    return new Response(paced(response.body, pace), { status, headers });
  };
}

function paced(body: ReadableStream<Uint8Array>, pace: Pace): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await pace();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

import { type WriteStream, createWriteStream } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { concealValues } from './conceal-values.ts';

/** One request that an emulator was sent, and its answer. Secrets read `[redacted]`. */
export interface RequestRecord {
  /** Milliseconds since the Unix epoch, of the emulator's clock. */
  readonly at: number;
  readonly method: string;
  readonly host: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  /** True when the connection ended before the answer did. */
  readonly aborted: boolean;
  readonly durationMs: number;
  /** The first 16 KiB of each body, as text. Only with a recording. */
  readonly requestBody?: string;
  readonly responseBody?: string;
}

type Bodies = Pick<RequestRecord, 'requestBody' | 'responseBody'>;

/** How many records are kept in memory. */
const kept = 10_000;
/** Bytes of each body that a recording keeps. */
export const recordedBody: number = 16 * 1024;

const secretHeaders =
  /^(?:authorization|cookie|proxy-authorization|.*(?:api-key|token|secret|signature).*)$/;
const secretQuery = /([?&](?:signature|[^=&]*(?:token|key|secret)[^=&]*)=)[^&]*/gi;

/** What an emulator was asked, in order; with a file, also as one JSON document a line. */
export class RequestLog {
  readonly #records: RequestRecord[] = [];
  readonly #secrets = new Set<string>();
  readonly #file: WriteStream | undefined;

  /** The file is made, or added to; only its owner can read it. */
  constructor(file?: string) {
    this.#file =
      file === undefined ? undefined : createWriteStream(file, { flags: 'a', mode: 0o600 });
    this.#file?.on('error', (error) =>
      process.emitWarning(`emulator: the recording cannot be written: ${error.message}`),
    );
  }

  get recording(): boolean {
    return this.#file !== undefined;
  }

  /** The latest records, oldest first. */
  list(): readonly RequestRecord[] {
    return [...this.#records];
  }

  /** From now on this text is left out of every record. */
  conceal(secret: string): void {
    if (secret !== '') this.#secrets.add(secret);
  }

  add(record: Omit<RequestRecord, 'headers'> & { readonly headers: IncomingHttpHeaders }): void {
    const clean: RequestRecord = {
      ...record,
      path: this.#clean(record.path.replace(secretQuery, '$1[redacted]')),
      headers: Object.fromEntries(
        Object.entries(record.headers).map(([name, value]) => [
          name,
          secretHeaders.test(name) ? '[redacted]' : this.#clean(String(value)),
        ]),
      ),
      ...this.#cleanBodies(record),
    };
    this.#records.push(clean);
    if (this.#records.length > kept) this.#records.shift();
    this.#file?.write(`${JSON.stringify(clean)}\n`);
  }

  /** Resolves when the recording is on disk. */
  async close(): Promise<void> {
    const file = this.#file;
    if (file && !file.destroyed) await new Promise<void>((resolve) => file.end(() => resolve()));
  }

  #cleanBodies({ requestBody, responseBody }: Bodies): Bodies {
    const clean = (body: string): string => this.#clean(concealValues(body));
    return {
      ...(requestBody === undefined ? {} : { requestBody: clean(requestBody) }),
      ...(responseBody === undefined ? {} : { responseBody: clean(responseBody) }),
    };
  }

  #clean(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '[redacted]');
    return clean;
  }
}

import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import type { Provider } from '@gantry/core';
import { EmulatorClock } from './clock.ts';
import { WireFaults } from './faults.ts';
import { hostOf, refusedBy } from './guard.ts';
import { type Certificate, Listener, type WireRequest, type WireResponse } from './listener.ts';
import type { Quotas } from './quota.ts';
import { recordExchange } from './record-exchange.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';
import { dropConnection, tapResponse, tapSocket } from './response-tap.ts';
import { sameText } from './same-text.ts';

/** How an emulator is started. */
export interface EmulatorOptions {
  /** Makes every sandbox. The emulator destroys what it made, and leaves the provider itself alone. */
  readonly provider: Provider;
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Speaks TLS too, with this certificate. */
  readonly certificate?: Certificate;
  /** File that each request and answer is added to, secrets left out. */
  readonly record?: string;
  readonly quotas?: Quotas;
}

/** What a vendor's part of an emulator is given. */
export interface EmulatorContext {
  readonly provider: Provider;
  readonly port: number;
  readonly url: string;
  readonly clock: EmulatorClock;
  readonly quotas: Quotas;
  /** Whether this is the key of this start; takes the same time for every wrong one. */
  isKey(candidate: string | undefined): boolean;
  /** Keeps a secret that was made later out of the log. */
  conceal(secret: string): void;
}

/** A vendor's wire protocol over one listener. */
export interface VendorService {
  request(request: WireRequest, response: WireResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The vendor's own error answer, for faults. */
  fail(response: WireResponse, status: number, message: string): void;
  /** What a program's environment must say, so that the vendor's SDK comes here. */
  environment(key: string): Readonly<Record<string, string>>;
  /** Makes a sandbox vanish as if its host had died: the vendor's records still name it. False: unknown id. */
  vanish(sandboxId: string): Promise<boolean>;
  /** Destroys every sandbox. */
  close(): Promise<void>;
}

/** One vendor that can be emulated. */
export interface Vendor {
  readonly name: string;
  /** A new random key of the vendor's form. */
  newKey(): string;
  start(context: EmulatorContext): VendorService;
}

/** A running emulator. Disposing closes it. */
export interface Emulator extends AsyncDisposable {
  readonly vendor: string;
  readonly url: string;
  /** Random for each start. Whoever has it can run code on the provider. */
  readonly key: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: EmulatorClock;
  readonly faults: WireFaults;
  requests(): readonly RequestRecord[];
  vanish(sandboxId: string): Promise<boolean>;
  /** Ends every connection and destroys every sandbox. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a vendor's wire protocol on 127.0.0.1 with real sandboxes of a provider. It answers requests that
 * come from this machine, call it by its own name and carry its key.
 */
export async function startEmulator(vendor: Vendor, options: EmulatorOptions): Promise<Emulator> {
  const key = vendor.newKey();
  const clock = new EmulatorClock();
  const faults = new WireFaults();
  const log = new RequestLog(options.record);
  log.conceal(key);
  const listener = new Listener(options.certificate);
  const port = await listener.listen(options.port ?? 0);
  const url = `${options.certificate ? 'https' : 'http'}://127.0.0.1:${port}`;
  const { provider, quotas = {} } = options;
  const service = vendor.start({
    ...{ provider, port, url, clock, quotas },
    isKey: (candidate) => sameText(candidate ?? '', key),
    conceal: (secret) => log.conceal(secret),
  });
  listener.serve({
    request: (request, response) => {
      void answer(request, response, { service, port, clock, faults, log });
    },
    upgrade: (request, socket, head) => {
      if (refusedBy(request, port)) socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      else void upgrade(request, socket, head, { service, clock, port, faults, log });
    },
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clock.stop();
    // Sandboxes first: what is still answered then says so in the vendor's words.
    const ended = await Promise.allSettled([service.close()]);
    await listener.close();
    await log.close();
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
  };
  return {
    ...{ vendor: vendor.name, url, key, clock, faults },
    environment: service.environment(key),
    requests: () => log.list(),
    vanish: (sandboxId) => service.vanish(sandboxId),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

interface Parts {
  readonly service: VendorService;
  readonly port: number;
  readonly clock: EmulatorClock;
  readonly faults: WireFaults;
  readonly log: RequestLog;
}

async function answer(
  request: WireRequest,
  response: WireResponse,
  { service, port, clock, faults, log }: Parts,
): Promise<void> {
  recordExchange(request, response, log, clock);
  const refused = refusedBy(request, port);
  if (refused !== undefined) {
    response.statusCode = 403;
    response.end(`${refused}\n`);
    return;
  }
  const fault = faults.next(request);
  if (fault?.kind === 'status') {
    if (fault.retryAfterSeconds !== undefined) {
      response.setHeader('retry-after', String(fault.retryAfterSeconds));
    }
    return service.fail(response, fault.status, `injected fault for ${hostOf(request)}`);
  }
  if (fault?.kind === 'delay') await delay(fault.milliseconds);
  if (fault?.kind === 'cut' && fault.afterBytes === 0) return dropConnection(response);
  if (fault?.kind === 'cut' || fault?.kind === 'stall') {
    let left = fault.afterBytes;
    tapResponse(response, (chunk) =>
      chunk.length === 0 || (left -= chunk.length) >= 0 ? 'send' : fault.kind,
    );
  }
  service.request(request, response);
}

/** Hands a connection over that leaves HTTP; a fault's bytes are then those of the other protocol. */
async function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { service, faults }: Parts,
): Promise<void> {
  const fault = faults.next(request);
  if (fault?.kind === 'status') return void socket.end(`HTTP/1.1 ${fault.status} Fault\r\n\r\n`);
  if (fault?.kind === 'delay') await delay(fault.milliseconds);
  if (fault?.kind === 'cut' || fault?.kind === 'stall') {
    let left = fault.afterBytes;
    tapSocket(socket, (chunk) => ((left -= chunk.length) >= 0 ? 'send' : fault.kind));
  }
  service.upgrade(request, socket, head);
}

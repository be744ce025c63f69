import { connect, type LookupFunction, type Socket } from 'node:net';
import type { CompiledPolicy } from '../policy/compiled-policy.ts';
import { authorityOf, type Host } from '../policy/host-name.ts';
import { type IpAddress, readAddress } from '../policy/ip-address.ts';
import type { NameAnswers } from './name-answers.ts';

/** How long a connection may take to come about. */
const connectMs = 30_000;

/** A host that cannot be reached, or must not be. */
export class DialError extends Error {
  override readonly name = 'DialError';
  /** `address-denied` is the policy's word; the others are the network's. */
  readonly reason: 'address-denied' | 'name-unknown' | 'unreachable' | 'refused';

  constructor(reason: DialError['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The addresses at which a policy lets a host be reached. Throws a `DialError`. */
export async function locate(
  host: Host,
  port: number,
  policy: CompiledPolicy,
  names: NameAnswers,
): Promise<readonly IpAddress[]> {
  const known = host.address === undefined ? await answers(host.text, names) : [host.address];
  const admitted = known.filter((address) => policy.address(host, address, port));
  if (admitted.length > 0) return admitted;
  const message = `${authorityOf(host, port)} is at no address that the policy allows`;
  throw new DialError('address-denied', message);
}

/** Connects to a host at one of these addresses and no other, whatever its name resolves to meanwhile. */
export async function dial(
  host: Host,
  port: number,
  addresses: readonly IpAddress[],
): Promise<Socket> {
  const all = addresses.map(({ text, family }) => ({
    address: text,
    family: family === 'ipv4' ? 4 : 6,
  }));
  const [first] = all;
  const lookup: LookupFunction = (_name, options, callback) => {
    if (options.all === true) callback(null, all);
    else callback(null, first?.address ?? '', first?.family);
  };
  const options = { noDelay: true, keepAlive: true };
  const socket = connect({ ...options, host: 'host.invalid', port, lookup });
  await connected(socket, authorityOf(host, port));
  // Whoever uses it listens for errors too; none may go unheard before.
  socket.on('error', () => socket.destroy());
  const peer = readAddress(socket.remoteAddress ?? '');
  if (addresses.some(({ text }) => text === peer?.text)) return socket;
  socket.destroy();
  throw new DialError(
    'address-denied',
    `${authorityOf(host, port)} was reached at an address that was not asked for`,
  );
}

async function connected(socket: Socket, authority: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer within ${connectMs / 1000} s`)),
      connectMs,
    );
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      const reason = error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
      reject(new DialError(reason, `${authority} cannot be reached: ${error.message}`, error));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve();
    });
  });
}

async function answers(name: string, names: NameAnswers): Promise<readonly IpAddress[]> {
  try {
    return await names.addresses(name);
  } catch (error) {
    throw new DialError('name-unknown', `no address is known for ${name}`, error);
  }
}

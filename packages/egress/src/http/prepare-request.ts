import type { EgressProtocol } from '../egress-event.ts';
import type { BrokeredSecret } from '../secrets/broker.ts';
import { type Carrier, placeSecrets, secretsOf } from '../secrets/place-secrets.ts';
import type { Exchange } from '../session/exchange.ts';
import { authorityOf } from '../policy/host-name.ts';
import { endToEnd, type HeaderList, headerValues } from './header-list.ts';
import type { Link } from './link.ts';
import { readTarget, type Refusal, type RequestTarget } from './request-target.ts';

/** A request as a client sent it. */
export interface ClientRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
  readonly authority?: string | undefined;
  readonly saidScheme?: string | undefined;
  readonly webSocket: boolean;
}

/** A request that may be sent, as it is sent. */
export interface PreparedRequest {
  readonly exchange: Exchange;
  readonly target: RequestTarget;
  /** Path and query, with the secrets that go there. */
  readonly path: string;
  readonly headers: HeaderList;
  /** Whether the client reads what comes after a body. */
  readonly trailers: boolean;
  /** Secrets that are for this host: what comes back is masked for them. */
  readonly masked: readonly BrokeredSecret[];
}

/** Decides on a request, and puts the secrets into it that are for its host. */
export async function prepareRequest(
  request: ClientRequest,
  link: Link,
): Promise<PreparedRequest | Refusal> {
  const { session, scheme } = link;
  const protocol = protocolOf(scheme, request.webSocket);
  const { method } = request;
  const target = readTarget({ ...request, ...link });
  if ('status' in target) return session.refuse({ protocol, method, ...link.pinned }, target);
  const { host, port, path, query } = target;
  // Never on plaintext: who listens there is not known.
  const bound = scheme === 'https' ? session.broker.at(host, port) : [];
  const limited = session.policy.limitsRequests(host, port);
  const carrier: Carrier = {
    headers: ownHeaders(request.headers, bound.length > 0, limited),
    query,
  };
  const sent = secretsOf(carrier, bound);
  const attempt = { protocol, host, port, method, path };
  const verdict = session.policy.request(host, port, method, path);
  const names = sent.map(({ name }) => name);
  const exchange = await session.begin(attempt, verdict, names);
  if ('rule' in exchange) return exchange;
  const filled = await fill(carrier, bound, sent, link, exchange);
  if ('status' in filled) return filled;
  const prepared: PreparedRequest = {
    exchange,
    target,
    path: path + filled.query,
    headers: [['Host', hostHeader(target, scheme)], ...filled.headers],
    trailers: headerValues(request.headers, 'te').some((value) => /\btrailers\b/i.test(value)),
    masked: bound,
  };
  // A path and headers carry as much out as a body does.
  const within = exchange.head(headBytes(method, prepared));
  if (within && !exchange.ended) return prepared;
  const message = 'what allowed this request is over';
  return within
    ? { status: 403, rule: 'policy', message }
    : { status: 429, rule: 'budget', message };
}

async function fill(
  carrier: Carrier,
  bound: readonly BrokeredSecret[],
  sent: readonly BrokeredSecret[],
  { session }: Link,
  exchange: Exchange,
): Promise<Carrier | Refusal> {
  if (bound.length === 0) return carrier;
  try {
    const values = await Promise.all(
      sent.map(async (secret) => [secret.name, await session.broker.value(secret)] as const),
    );
    return placeSecrets(carrier, sent, new Map(values));
  } catch {
    // Why is for the operator, who finds it in the record; a resolver's words are not for the sandbox.
    exchange.end({ status: 502, problem: 'secret-unavailable' });
    const message = 'a secret for this host cannot be had at the moment';
    return { status: 502, rule: 'secret-unavailable', message };
  }
}

function protocolOf(scheme: 'http' | 'https', webSocket: boolean): EgressProtocol {
  if (webSocket) return scheme === 'https' ? 'wss' : 'ws';
  return scheme;
}

/** What a request without its body takes. */
function headBytes(method: string, { path, headers }: PreparedRequest): number {
  const lines = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  return method.length + path.length + ' HTTP/1.1\r\n\r\n'.length + 1 + lines;
}

/** Headers that make another request of one, at hosts that heed them: another method, or another path. */
const overriding: readonly string[] = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
];

/** What of the client's headers goes on. Where an answer must be read, it must not come in a form that cannot be. */
function ownHeaders(headers: HeaderList, brokered: boolean, limited: boolean): HeaderList {
  const read = [
    ...['accept-encoding', 'grpc-accept-encoding'],
    ...['range', 'if-range', 'sec-websocket-extensions'],
  ];
  // The length goes with the body, by whoever sends it: a client may call it a header of the connection, to have it dropped.
  const own = ['host', 'expect', 'content-length'];
  const dropped = [...own, ...(brokered ? read : []), ...(limited ? overriding : [])];
  const kept = endToEnd(headers, dropped);
  return brokered ? [...kept, ['Accept-Encoding', 'identity']] : kept;
}

function hostHeader({ host, port }: RequestTarget, scheme: 'http' | 'https'): string {
  const whole = authorityOf(host, port);
  const usual = scheme === 'https' ? ':443' : ':80';
  return whole.endsWith(usual) ? whole.slice(0, -usual.length) : whole;
}

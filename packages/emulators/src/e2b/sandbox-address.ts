import { hostOf } from '../chassis/guard.ts';
import type { WireRequest } from '../chassis/listener.ts';

/** Which port of which sandbox a request is for. */
export interface SandboxAddress {
  readonly id: string;
  readonly port: number;
}

/** By the vendor's rule: two headers, else the first label of the host, `PORT-ID`. `undefined`: for the control plane. */
export function sandboxAddress(request: WireRequest): SandboxAddress | undefined {
  const { 'e2b-sandbox-id': id, 'e2b-sandbox-port': port } = request.headers;
  if (typeof id === 'string' && typeof port === 'string') return { id, port: Number(port) };
  const match = /^(\d+)-([a-z0-9]+)\./.exec(hostOf(request));
  return match?.[2] === undefined ? undefined : { id: match[2], port: Number(match[1]) };
}

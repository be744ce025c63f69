import type { Call, DriverHandle, DriverProcess, SandboxDriver } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core';
import type { EgressSession } from '../egress-types.ts';

/** Where programs in the sandbox find the authorities that they may trust. */
export interface TrustPaths {
  readonly certificate: string;
  readonly bundle: string;
}

/** Below a directory of a name of its own: each process that serves a sandbox has its own authority. */
export function trustPaths(name: string): TrustPaths {
  // In memory at every provider, and in no snapshot of the workspace.
  const directory = `/tmp/.gantry-egress-${name}`;
  return { certificate: `${directory}/ca.pem`, bundle: `${directory}/bundle.pem` };
}

/** The system's own list, where the image has one, comes first: it may name more than Node's. */
const script = `umask 022
mkdir -p "\${1%/*}" && printf '%s\\n' "$3" > "$1" || exit 4
for list in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
  [ -s "$list" ] || continue
  { cat "$list"; echo; cat "$1"; } > "$2" || exit 4
  exit 0
done
exit 3`;

/** Puts the session's authority into the sandbox, as the sandbox's own user. */
export async function writeTrust(
  driver: SandboxDriver,
  handle: DriverHandle,
  { caCertificate, caBundle }: Pick<EgressSession, 'caCertificate' | 'caBundle'>,
  { certificate, bundle }: TrustPaths,
  call: Call,
): Promise<void> {
  const run = async (line: string, args: readonly string[], input?: string): Promise<number> => {
    const started = await driver.spawn(
      handle,
      {
        argv: ['/bin/sh', '-c', line, 'sh', ...args],
        ...{ cwd: '/', env: {}, stdin: input === undefined ? 'none' : 'stream' },
      },
      call,
    );
    return codeOf(started, input);
  };
  const code = await run(script, [certificate, bundle, caCertificate]);
  if (code === 0) return;
  if (code === 3 && (await run('umask 022; cat > "$1"', [bundle], caBundle)) === 0) return;
  const why =
    code === 126 || code === 127
      ? 'its image has no /bin/sh, cat, mkdir and umask'
      : 'its /tmp cannot be written';
  const message = `an egress policy needs a certificate in the sandbox, and it cannot be put there: ${why}`;
  throw new SandboxError('failed-precondition', message, { ref: handle.ref });
}

async function codeOf(started: DriverProcess, input: string | undefined): Promise<number> {
  const discard = [started.stdout, started.stderr].map((stream) =>
    stream.pipeTo(new WritableStream()),
  );
  if (input !== undefined) {
    const writer = started.stdin?.getWriter();
    await writer?.write(Buffer.from(input));
    await writer?.close();
  }
  const [exit] = await Promise.all([started.exit, ...discard]);
  return exit.code ?? -1;
}

import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox, SandboxProcess } from '@gantry/core';

/**
 * Joins its input and output with a TCP connection that it makes, by whatever the image has for that. It ends by itself when either
 * end does: what is killed may cost a provider more than what ends.
 */
const relay = `h=$1 p=$2 form=$3
if command -v perl >/dev/null 2>&1; then exec perl -MIO::Socket::INET -MIO::Select -e '$s=IO::Socket::INET->new(PeerAddr=>$ARGV[0],PeerPort=>$ARGV[1],Timeout=>5) or exit 7; $a=IO::Select->new($s,\\*STDIN); while(1){for($a->can_read){$in=$_==$s; sysread($_,$b,65536) or exit; syswrite($in?\\*STDOUT:$s,$in&&$ARGV[2] eq "hex"?unpack("H*",$b):$b)}}' "$h" "$p" "$form"
elif [ "$form" = hex ]; then echo "the image has no perl to say bytes as text with" >&2; exit 99
elif command -v bash >/dev/null 2>&1; then exec bash -c 'exec 4<&0 3<>"/dev/tcp/$0/$1" || exit 7; cat <&3 & cat <&4 >&3 & wait -n; kill $(jobs -p); wait' "$h" "$p"
elif command -v nc >/dev/null 2>&1; then exec nc "$h" "$p"
else echo "the image has none of perl, bash and nc to connect with" >&2; exit 99; fi 2>/dev/null`;
const patienceMs = 2_000;

/**
 * A connection that a program in the sandbox makes, and all that it says and hears is said and heard here: TLS and HTTP are then
 * spoken by this process, whatever the image has. One that fails ends without a byte. Destroy it, or it ends with its sandbox.
 */
export async function connectInside(sandbox: Sandbox, host: string, port: number): Promise<Duplex> {
  const { running, form, write, end } = await startRelay(sandbox, [host, String(port)]);
  void running.stderr.pipeTo(new WritableStream()).catch(() => undefined);
  const reader = running.stdout.getReader();
  const connection = new Duplex({
    read() {
      void pull();
    },
    write(chunk: Uint8Array, _encoding, callback) {
      // Where it has ended, what it had to say is on its way.
      settle(write(new Uint8Array(chunk)), callback);
    },
    final(callback) {
      settle(end(), callback);
    },
    destroy(error, callback) {
      void killLate(running);
      settle(end(), () => callback(error));
    },
  });
  // A digit whose other one has not come yet.
  let half = '';
  async function pull(): Promise<void> {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) connection.push(null);
    else if (form === 'bytes') connection.push(value);
    else {
      const text = half + Buffer.from(value).toString('latin1');
      half = text.length % 2 === 1 ? text.slice(-1) : '';
      const bytes = Buffer.from(text, 'hex');
      if (bytes.length > 0) connection.push(bytes);
      else await pull();
    }
  }
  connection.on('error', () => connection.destroy());
  return connection;
}

function settle(work: Promise<unknown>, done: () => void): void {
  void Promise.allSettled([work]).finally(done);
}

/** Ends a relay that does not end by itself. */
async function killLate(running: SandboxProcess): Promise<void> {
  const control = new AbortController();
  const late = delay(patienceMs, 'late', { ref: false, signal: control.signal });
  const first = await Promise.race([running.exit, late]).catch(() => undefined);
  control.abort();
  if (first === 'late') await running.kill('SIGKILL').catch(() => undefined);
}

interface Relay {
  readonly running: SandboxProcess;
  /** In which its output comes. */
  readonly form: 'bytes' | 'hex';
  readonly write: (bytes: Uint8Array) => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

async function startRelay(sandbox: Sandbox, args: readonly string[]): Promise<Relay> {
  const command = (script: string, ...more: readonly string[]): readonly [string, ...string[]] => [
    ...(['/bin/sh', '-c', script, 'relay'] as const),
    ...more,
  ];
  const { stdin: takes, output } = sandbox.capabilities.traits;
  // What is no text would not come out as it is.
  const form = output === 'text' ? 'hex' : 'bytes';
  if (takes === 'stream') {
    const running = await sandbox.spawn(command(relay, ...args, form), { stdin: 'stream' });
    const writer = running.stdin?.getWriter();
    if (!writer) throw new Error('a process with a stream for its input has none');
    return { running, form, write: (bytes) => writer.write(bytes), end: () => writer.close() };
  }
  // Where input is given at the start only, other commands bring it, through a pipe that the relay itself keeps open.
  const pipe = `/tmp/relay-${randomBytes(6).toString('hex')}`;
  const made = await sandbox.exec(['mkfifo', pipe]);
  if (!made.ok) throw new Error(`a pipe cannot be made in the sandbox: ${made.stderr.text}`);
  const running = await sandbox.spawn(command(`exec 0<>"$4"; ${relay}`, ...args, form, pipe));
  const write = (stdin: Uint8Array): Promise<unknown> =>
    sandbox.exec(command('cat > "$1"', pipe), { stdin });
  return { running, form, write, end: () => running.kill('SIGKILL') };
}

/** What comes over a connection until it ends, or until it is enough, or `limitMs` have passed; then it is destroyed. */
export async function hear(
  connection: Duplex,
  limitMs: number,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  const timer = setTimeout(() => connection.destroy(), limitMs);
  let text = '';
  try {
    for await (const chunk of connection) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream of bytes, or of TLS over one
      text += Buffer.from(chunk as Uint8Array).toString('latin1');
      if (enough(text)) break;
    }
  } catch {
    // Cut: what was heard before counts.
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
  return text;
}

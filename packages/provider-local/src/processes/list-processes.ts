import { type FileHandle, open } from 'node:fs/promises';
import { readdirSync, readlinkSync } from 'node:fs';
import { type ProcessSummary, SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { isErrno } from '../errors.ts';

/** Bytes of a command line that are looked at; a guest can make it as long as it likes. */
const mostCommandBytes = 1_000;
const mostStatusBytes = 8_192;

/**
 * Every process in the pid namespace of `main`, its agent's included, as the kernel tells the host. What
 * a process calls itself is its own choice: text of at most 1,000 bytes. `ids` names some by their process id in there.
 */
export async function listProcesses(
  main: ProcessIdentity,
  ids: ReadonlyMap<number, string>,
): Promise<readonly ProcessSummary[]> {
  const namespace = namespaceOf(String(main.pid));
  const inside = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && namespaceOf(name) === namespace,
  );
  const found = await Promise.all(inside.map((pid) => summary(pid, ids)));
  // Asked last: a namespace that has ended gives its name to the next one.
  if (namespace === undefined || !hostProcess.isRunning(main)) {
    throw new SandboxError('unavailable', 'the sandbox has ended');
  }
  return found.filter((one) => one !== undefined).toSorted((a, b) => a.pid - b.pid);
}

async function summary(
  hostPid: string,
  ids: ReadonlyMap<number, string>,
): Promise<(ProcessSummary & { readonly pid: number }) | undefined> {
  const [status, stat, commandLine] = await Promise.all([
    readSome(`/proc/${hostPid}/status`, mostStatusBytes),
    readSome(`/proc/${hostPid}/stat`, mostStatusBytes),
    readSome(`/proc/${hostPid}/cmdline`, mostCommandBytes + 1),
  ]);
  // The innermost namespace comes last.
  const pid = Number(/^NSpid:[\t\d]*\t(\d+)$/m.exec(status)?.[1]);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (!Number.isInteger(pid) || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '?';
  const words = Buffer.from(commandLine, 'latin1').toString('utf8').replace(/\0+$/, '');
  const cut = commandLine.length > mostCommandBytes ? '…' : '';
  return {
    // 19: the time of the start, so that an id is not used again.
    id: ids.get(pid) ?? `${pid}-${fields[19]}`,
    pid,
    // Without arguments, such as after a process has overwritten them: the name, as ps has it.
    command: words === '' ? `[${name}]` : words.replaceAll('\0', ' ') + cut,
  };
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    // Ended meanwhile, or somebody else's.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => isErrno(error, code)))
      return undefined;
    throw error;
  }
}

/** The beginning of a file of /proc, as Latin-1; empty once the process has ended. */
async function readSome(file: string, bytes: number): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => isErrno(error, code))) return '';
    throw error;
  } finally {
    await handle?.close();
  }
}

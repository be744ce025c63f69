import { spawn } from 'node:child_process';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { redactor } from '../secrets/redactor.ts';
import type { GitCredential } from './git-environment.ts';
import { gitEnvironment, passwordOf } from './git-environment.ts';

/** Most text that is kept of what git says. */
const maxOutputBytes = 4 * 1024 * 1024;

/** Where and for whom git runs. */
export interface GitContext {
  readonly operation: string;
  readonly url: string;
  /** An empty directory that is git's home. */
  readonly home: string;
  readonly directory: string;
  readonly credential?: GitCredential;
}

/**
 * Runs git to its end and returns what it wrote. Abort kills it with all it started. A failure is
 * `failed-precondition` with the last lines of what git said, the credential taken out.
 */
export async function runGit(
  argv: readonly string[],
  context: GitContext,
  call: Call,
): Promise<string> {
  call.signal.throwIfAborted();
  const { stdout, stderr, code } = await collect(argv, context, call);
  call.signal.throwIfAborted();
  if (code === 0) return stdout;
  const said = redact(stderr.trim().split('\n').slice(-6).join('\n'), context.credential);
  throw new SandboxError(
    'failed-precondition',
    `git ${argv[0]} of ${context.url} failed (exit ${code ?? 'by a signal'}): ${said}`,
    { operation: context.operation, details: { url: context.url, exitCode: code } },
  );
}

function collect(
  argv: readonly string[],
  { home, directory, credential, operation }: GitContext,
  call: Call,
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    // In a process group of its own, since git leaves the transfer to a child that must die with it.
    const child = spawn('git', argv, {
      cwd: directory,
      env: gitEnvironment(home, credential),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const kill = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    call.signal.addEventListener('abort', kill);
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] = (texts[name] + text).slice(-maxOutputBytes);
      });
    }
    child.on('error', (cause) => {
      call.signal.removeEventListener('abort', kill);
      reject(
        new SandboxError('failed-precondition', 'git cannot be started; install git on this host', {
          operation,
          cause,
        }),
      );
    });
    child.on('close', (code) => {
      call.signal.removeEventListener('abort', kill);
      resolve({ ...texts, code });
    });
  });
}

/** A server's words may repeat what it was sent, in whatever form. */
function redact(text: string, credential: GitCredential | undefined): string {
  if (credential === undefined) return text;
  const values = [credential.value, passwordOf(credential.value)];
  return redactor(values.map((value) => ['secret', value])).text(text);
}

import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { runScript, streamScript } from '../files/run-script.ts';
import { inlineLimit, upload } from '../files/transfer.ts';
import type { WorkspaceTarget } from '../manifest/workspace-target.ts';
import { runCommand } from '../process/exec.ts';
import { wholeIfSmall } from '../process/whole-input.ts';
import { insidePath, resolveCommand } from '../process/resolve-command.ts';
import { operate } from '../provider/operate.ts';
import { type Session, workspacePath } from '../provider/session.ts';

/** What the manifest's own parts need of a sandbox: archives natively where the driver has them, else by `tar` in it. */
export function workspaceTarget(session: Session): WorkspaceTarget {
  const { driver, handle, workspace } = session;
  const { archive } = driver;
  const context = (operation: string) => ({ provider: driver.id, operation, ref: handle.ref });
  return {
    provider: driver.id,
    workspace,
    async putArchive(tar, call) {
      if (archive) {
        const put = (inner: Call): Promise<void> => archive.put(handle, workspace, tar, inner);
        return operate(context('apply'), { signal: call.signal }, put);
      }
      const run = { operation: 'apply', path: workspacePath } as const;
      const input = await wholeIfSmall(tar, inlineLimit(session));
      const staged = await upload(session, 'apply', input, call);
      await runScript(
        session,
        staged === undefined
          ? { ...run, script: 'unpack', input }
          : { ...run, script: 'unpackFile', args: [staged] },
        { signal: call.signal },
      );
    },
    getArchive(path, call) {
      if (archive) {
        const place = insidePath(session, path);
        const get = (inner: Call): ReturnType<typeof archive.get> =>
          archive.get(handle, place, inner);
        return operate(context('collect'), { signal: call.signal }, get);
      }
      const run = { operation: 'collect', script: 'pack', path } as const;
      return streamScript(session, run, { signal: call.signal });
    },
    async run(argv, call, input) {
      const command = resolveCommand(session, 'apply', argv, {});
      const source = input === undefined ? 'none' : ({ source: input } as const);
      const limits = { signal: call.signal, maxOutputBytes: maxScriptOutput };
      const { exit, stdout, stderr } = await runCommand(session, 'apply', command, source, limits);
      if (stdout.truncated) {
        const message = `a script in the sandbox printed more than ${maxScriptOutput} bytes`;
        throw new SandboxError('resource-exhausted', message, context('apply'));
      }
      return { exit, stdout: stdout.bytes, stderr: stderr.bytes };
    },
  };
}

/** Room for the read-back of a million entries; a guest cannot make the host keep more. */
const maxScriptOutput = 512 * 1024 * 1024;

import { SandboxError, type Provider } from '@gantry/core';
import { loadSubject, type LoadedSubject } from './load-subject.ts';
import {
  answerPrefix,
  type OtherProcessAnswer,
  type OtherProcessRequest,
} from './other-process.ts';

// The program of the other process: loads the subject, does one thing, answers in one line, ends at once.

async function perform(
  provider: Provider,
  request: OtherProcessRequest,
): Promise<Omit<OtherProcessAnswer, 'pid'>> {
  switch (request.do) {
    case 'create': {
      const sandbox = await provider.create(request.options);
      if (request.command === undefined) return { ref: sandbox.ref };
      const { exit, stdout } = await sandbox.exec(request.command);
      return { ref: sandbox.ref, exit, stdout: stdout.text };
    }
    case 'exec': {
      const sandbox = await provider.connect(request.ref);
      const { exit, stdout } = await sandbox.exec(request.command);
      await sandbox.release();
      return { exit, stdout: stdout.text };
    }
    case 'inspect':
      return { state: (await provider.inspect(request.ref)).state };
    case 'destroy':
      await provider.destroy(request.ref);
      return {};
    case 'list':
      break;
  }
  const ids: string[] = [];
  for await (const { ref } of provider.list({ labels: request.labels })) ids.push(ref.id);
  return { ids };
}

function failure(error: unknown): OtherProcessAnswer['error'] {
  if (SandboxError.is(error)) return { code: error.code, message: error.message };
  return { code: 'not a SandboxError', message: String(error) };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by askOtherProcess
const { source, request } = JSON.parse(process.argv[2] ?? '') as {
  source: NonNullable<LoadedSubject['source']>;
  request: OtherProcessRequest;
};
const { provider } = await loadSubject(source);
const answer = await perform(provider, request).catch((error: unknown) => ({
  error: failure(error),
}));
const line = `${answerPrefix}${JSON.stringify({ pid: process.pid, ...answer })}\n`;
// Ends without freeing anything: what the sandbox needs must not depend on this process.
process.stdout.write(line, () => process.exit(0));

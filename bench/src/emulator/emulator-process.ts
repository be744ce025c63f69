import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Quotas } from '@gantry/emulators';

/** An emulator in a process of its own. Disposing ends it and its sandboxes. */
export interface EmulatorProcess extends AsyncDisposable {
  readonly key: string;
  readonly url: string;
}

/** Starts an emulator of a vendor on local sandboxes. */
export async function startEmulatorProcess(
  vendor: 'daytona' | 'e2b' | 'vercel',
  stateDirectory: string,
  quotas: Quotas = {},
): Promise<EmulatorProcess> {
  const main = path.join(import.meta.dirname, `emulator-main${path.extname(import.meta.filename)}`);
  const child = fork(main, [vendor, stateDirectory, JSON.stringify(quotas)]);
  const [{ key, url }] = (await once(child, 'message')) as [{ key: string; url: string }];
  return {
    ...{ key, url },
    async [Symbol.asyncDispose]() {
      const over = once(child, 'exit');
      child.disconnect();
      await over;
    },
  };
}

// A process of its own that works on sandboxes: `node other-process.ts STATE-DIRECTORY VERB [REF] [ARGUMENT]`.
// Prints JSON.
import { parseRef } from '@gantry/core';
import { local } from '../src/index.ts';

const [stateDirectory = '', verb = '', refText = '', argument = ''] = process.argv.slice(2);
const provider = local({ stateDirectory });

async function perform(): Promise<unknown> {
  switch (verb) {
    case 'create': {
      const sandbox = await provider.create({ maxLifetimeMs: Number(argument) || 60_000 });
      await sandbox.files.write('from-creator', 'made elsewhere');
      await sandbox.spawn(['sleep', '1000']);
      return sandbox.ref;
    }
    case 'exec': {
      const sandbox = await provider.connect(parseRef(refText));
      const result = await sandbox.exec(argument);
      await sandbox.release();
      return { exit: result.exit, stdout: result.stdout.text };
    }
    case 'destroy':
      await provider.destroy(parseRef(refText));
      return provider.inspect(parseRef(refText));
    default:
      throw new Error(`no verb ${verb}`);
  }
}

process.stdout.write(`${JSON.stringify(await perform())}\n`, () => {
  // 'create' is to be gone with its sandbox still there, as after a crash.
  if (verb === 'create') process.kill(process.pid, 'SIGKILL');
});

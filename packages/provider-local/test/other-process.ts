// A process of its own that works on sandboxes: `node other-process.ts STATE-DIRECTORY VERB [REF] [ARGUMENT]`.
// Prints JSON.
import { readFileSync } from 'node:fs';
import { parseRef, SandboxError } from '@gantry/core';
import { local } from '../src/index.ts';
import { echo, withDriver } from './interception-scenarios.ts';

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
    case 'detach': {
      const sandbox = await provider.connect(parseRef(refText));
      return { id: (await sandbox.spawn(argument, { detached: true })).id };
    }
    case 'attach': {
      const sandbox = await provider.connect(parseRef(refText));
      const attached = await sandbox.attach(argument);
      const parts = await Array.fromAsync(attached.stdout);
      const result = { exit: await attached.exit, stdout: Buffer.concat(parts).toString() };
      await sandbox.release();
      return result;
    }
    case 'expose': {
      const sandbox = await provider.connect(parseRef(refText));
      const { url } = await sandbox.expose(Number(argument));
      const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
      return { url, helper: Number(children.trim().split(' ').at(-1)) };
    }
    case 'intercept': {
      const { provider: own, intercept } = withDriver(provider);
      const sandbox = await own.connect(parseRef(refText));
      await intercept(sandbox, echo, { port: Number(argument) });
      const { stdout } = await sandbox.exec([
        ...([
          'bash',
          '-c',
          `exec 3<>/dev/tcp/127.0.0.1/${argument}; echo x >&3; head -1 <&3`,
        ] as const),
      ]);
      const again = await intercept(sandbox, echo, { port: Number(argument) }).catch(
        (error: unknown) => (SandboxError.is(error) ? error.code : String(error)),
      );
      return { listens: stdout.text === 'x\n', taken: again };
    }
    case 'destroy':
      await provider.destroy(parseRef(refText));
      return provider.inspect(parseRef(refText));
    default:
      throw new Error(`no verb ${verb}`);
  }
}

process.stdout.write(`${JSON.stringify(await perform())}\n`, () => {
  // These are to be gone as after a crash.
  if (['create', 'detach', 'expose', 'intercept'].includes(verb))
    process.kill(process.pid, 'SIGKILL');
});

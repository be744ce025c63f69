import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { SandboxError } from '@gantry/core';
import { onCapability } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

export const reachMutants: readonly Mutant[] = [
  {
    name: 'attach-forgets',
    breaks: 'cannot find a detached process again',
    kills: [
      'processes/detached-outlives',
      'processes/never-waits',
      'processes/attach-offset',
      'processes/attach-ended',
    ],
    wrap: onCapability('processes', () => ({
      attachTo: () => Promise.reject(new SandboxError('not-found', 'there is no such process')),
    })),
  },
  {
    name: 'attach-invents',
    breaks: 'attaches to what is not there',
    kills: ['processes/attach-unknown'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({ attach: () => sandbox.spawn('true') }),
      }),
  },
  {
    name: 'endpoint-invented',
    breaks: 'answers for a port on which nobody listens, and after the sandbox has ended',
    kills: ['ports/local', 'ports/refused', 'ports/life'],
    wrap: onCapability('ports', () => ({
      expose: async () => ({ url: 'data:text/plain,hello', headers: {} }),
    })),
  },
  {
    name: 'watch-ends-quietly',
    breaks: 'ends a watch without saying why',
    kills: ['watch/ends'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        files: (files) => ({
          async *watch(path, options) {
            try {
              yield* files.watch(path, options);
            } catch {
              // The defect: an abort looks like the end.
            }
          },
        }),
      }),
  },
  {
    name: 'endpoint-everywhere',
    breaks: 'listens on every address of the host',
    kills: ['ports/local'],
    wrap: onCapability('ports', (ports) => ({
      async expose(handle, port, call) {
        const inner = new URL((await ports.expose(handle, port, call)).url);
        const server = createServer((socket) => {
          const onward = connect(Number(inner.port), inner.hostname);
          socket.pipe(onward).pipe(socket);
          for (const each of [socket, onward]) each.on('error', () => socket.destroy());
        });
        await once(server.listen(0, '0.0.0.0').unref(), 'listening');
        return { url: `http://127.0.0.1:${portOf(server)}`, headers: {} };
      },
    })),
  },
  {
    name: 'endpoint-hangs',
    breaks: 'takes every connection and says nothing',
    kills: ['ports/refused', 'ports/life'],
    wrap: onCapability('ports', () => ({
      async expose() {
        const server = createServer((socket) => {
          socket.unref().on('error', () => undefined); // The defect: nobody answers.
        });
        await once(server.listen(0, '127.0.0.1').unref(), 'listening');
        return { url: `http://127.0.0.1:${portOf(server)}`, headers: {} };
      },
    })),
  },
  {
    name: 'watch-skips-some',
    breaks: 'loses events and does not say so',
    kills: ['watch/overflow'],
    wrap: onCapability('watch', (watch) => ({
      async *watch(handle, directory, options, call) {
        for await (const event of watch.watch(handle, directory, options, call))
          if (event.kind !== 'overflow' && !event.path?.endsWith('7')) yield event;
      },
    })),
  },
  {
    name: 'watch-follows-links',
    breaks: 'tells what happens behind a link',
    kills: ['watch/links'],
    wrap: onCapability('watch', (watch) => ({
      async *watch(handle, directory, options, call) {
        for await (const event of watch.watch(handle, directory, options, call)) {
          yield event;
          yield { ...event, path: `${event.path ?? directory}/hidden` };
        }
      },
    })),
  },
  {
    name: 'changes-without-removals',
    breaks: 'does not tell of what is gone',
    kills: ['changes/complete'],
    wrap: onCapability('changes', (changes) => ({
      async *since(handle, mark, call) {
        for await (const entry of changes.since(handle, mark, call)) if (entry.stat) yield entry;
      },
    })),
  },
  {
    name: 'changes-by-size',
    breaks: 'takes a file of the same size and time for the same file',
    kills: ['changes/complete'],
    wrap: onCapability('changes', (changes) => ({
      async *since(handle, mark, call) {
        for await (const entry of changes.since(handle, mark, call))
          if (entry.stat?.type !== 'file' || entry.stat.modifiedMs > 1_000_000_000_000) yield entry;
      },
    })),
  },
  {
    name: 'changes-follow-links',
    breaks: 'reads on the host what a link of the guest points to',
    kills: ['changes/confined'],
    wrap: onCapability('changes', (changes) => ({
      async *since(handle, mark, call) {
        for await (const entry of changes.since(handle, mark, call)) {
          const { target } = entry.stat ?? {};
          if (!target) yield entry;
          else
            yield {
              ...entry,
              open: () => new Blob([readFileSync(Buffer.from(target))]).stream(),
            };
        }
      },
    })),
  },
];

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

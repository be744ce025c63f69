import { runConformance } from '@gantry/conformance';
import { stopMessage, type SuiteMessage, type SuiteOrder } from './child-messages.ts';

// One conformance run in a process of its own: what a check does to its process, it does not do to the demo.

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the demo's own server starts it and writes this
const order = JSON.parse(process.argv[2] ?? '') as SuiteOrder;
const stop = new AbortController();
process.on('message', (message) => {
  if (message === stopMessage) stop.abort();
});
// Without the demo nobody wants the result; what was made is still cleaned up.
process.on('disconnect', () => stop.abort());

function say(message: SuiteMessage): void {
  if (process.connected) process.send?.(message);
}

const { load, profiles, mode, timeoutScale, concurrency, knownFailures } = order;
try {
  const report = await runConformance({
    ...{ subject: { load }, mode, timeoutScale, concurrency, knownFailures },
    ...(profiles.length === 0 ? {} : { profiles }),
    signal: stop.signal,
    onProgress: (progress) => say({ progress }),
  });
  say({ report });
} catch (error) {
  say({ problem: error instanceof Error ? error.message : String(error) });
}
if (process.connected) process.disconnect();

import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeExtractor } from './agent/write-extractor.ts';
import { chaos, dieAfter } from './chaos.ts';
import { durableExtraction, openHarness } from './durable-extraction.ts';
import { runJob } from './job.ts';
import { renderJson } from './json-report.ts';
import { parseOptions, usage, UsageError } from './options.ts';
import { startProgress } from './progress.ts';
import { isSuccess, renderReport } from './report.ts';
import { chooseProvider, NoProvider } from './run-document.ts';

// Codes of sysexits.h, and the shell's for an end by SIGINT.
const badUsage = 64;
const unavailable = 69;
const interrupted = 130;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (stop.signal.aborted) {
    process.stderr.write('clinical-records: stopped; its sandboxes are gone\n');
    process.exitCode = interrupted;
  } else if (error instanceof UsageError || error instanceof NoProvider) {
    process.stderr.write(`clinical-records: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? badUsage : unavailable;
  } else {
    throw error;
  }
}

async function main(parameters: readonly string[]): Promise<number> {
  const options = parseOptions(parameters);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { provider, passedOver } = await chooseProvider(options.provider, stop.signal);
  for (const { name, reason } of passedOver) {
    process.stderr.write(`provider ${name} passed over: ${reason}\n`);
  }
  process.stderr.write(`provider: ${provider.id}\n`);
  const { output, run = `run-${randomUUID()}` } = options;
  if (options.chaos) return chaos(options, provider, stop.signal);
  const written = options.agent
    ? await writeExtractor(provider, output, `${run}-agent`, stop.signal, (line) =>
        process.stderr.write(`agent: ${line}\n`),
      )
    : {};
  const { dieAfter: after } = options;
  const more = after === undefined ? {} : { onEvent: dieAfter(after, provider) };
  await using open = await openHarness(output, provider, more);
  const report = await runJob({
    options,
    provider: provider.id,
    extractAll: durableExtraction(open.harness, provider, run, stop.signal, written),
    startProgress: (total) => startProgress(total, process.stderr),
  });
  const json = renderJson(report);
  await writeFile(path.join(report.output, 'report.json'), json);
  process.stdout.write(options.json ? json : renderReport(report, process.stdout));
  const { verdict, events } = await open.harness.verify(run);
  process.stderr.write(`run ${run}: ${events} events, provenance ${verdict}\n`);
  return isSuccess(report) && verdict === 'verified' ? 0 : 1;
}

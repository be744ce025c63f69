import type { CollectReceipt, Sandbox } from '@gantry/core';
import { messageOf } from '../errors/cli-error.ts';
import { commandExitCode, GANTRY_FAILED } from '../exit-codes.ts';
import { note, printJson } from '../output/print.ts';
import { Progress } from '../output/progress.ts';
import { type RunRecord, runSummary } from '../output/run-summary.ts';
import { hostInput } from '../process/host-input.ts';
import { type RunOutcome, runProcess } from '../process/run-process.ts';
import { CaptureSink, hostSink } from '../process/sink.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { type ManifestFile, readManifest } from '../sandbox/read-manifest.ts';
import { withSandbox } from '../sandbox/with-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';
import { printPlan } from './print-plan.ts';

/** Options of `gantry run`. */
export interface RunActionOptions extends CommonOptions {
  readonly output: string;
  readonly keep?: boolean;
  readonly image?: string;
  readonly plan?: boolean;
  readonly timeout?: number;
  readonly lifetime?: number;
}

const MAX_OUTPUT = 10 * 1024 * 1024;

/** `gantry run`: a manifest, a command and its outputs. Returns the command's exit code. */
export async function run(
  session: Session,
  file: string,
  words: readonly string[],
  options: RunActionOptions,
): Promise<number> {
  if (options.plan) return printPlan(session, file, options, options.image);
  const provider = await loadProvider(options.provider, options.egress);
  const manifest = await readManifest(file);
  const [stdout, stderr] = [new CaptureSink(MAX_OUTPUT), new CaptureSink(MAX_OUTPUT)];
  const captured = session.json ? { stdout, stderr } : undefined;
  session.besideError = { ...captured };
  const done = await withSandbox(session, provider, { ...options, manifest }, async (sandbox) => {
    const outcome = await runCommand(session, sandbox, words, options, captured);
    const collected = await collect(session, sandbox, manifest, options.output, outcome);
    return { sandbox, outcome, collected };
  });
  const { sandbox, outcome, collected } = done;
  const record: RunRecord = {
    provider: provider.id,
    id: sandbox.ref.id,
    kept: options.keep ?? false,
    ...(sandbox.receipt === undefined ? {} : { receipt: sandbox.receipt }),
    ...(outcome === undefined ? {} : { command: outcome }),
    ...(collected === undefined ? {} : { collected }),
  };
  if (session.json) printJson({ ref: sandbox.ref, ...record, ...captured });
  else process.stderr.write(runSummary(record));
  if (outcome === undefined) return 0;
  return commandExitCode(outcome.exit) ?? GANTRY_FAILED;
}

async function runCommand(
  session: Session,
  sandbox: Sandbox,
  words: readonly string[],
  options: RunActionOptions,
  captured: { readonly stdout: CaptureSink; readonly stderr: CaptureSink } | undefined,
): Promise<RunOutcome | undefined> {
  const [program, ...rest] = words;
  if (program === undefined) return undefined;
  if (session.verbose) note('running the command');
  return runProcess(sandbox, {
    command: [program, ...rest],
    input: await hostInput(sandbox, true),
    stdout: captured?.stdout ?? hostSink(process.stdout),
    stderr: captured?.stderr ?? hostSink(process.stderr),
    interrupts: session.interrupts,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
  });
}

/** Also after a command that failed: what it left behind helps to see why. */
async function collect(
  session: Session,
  sandbox: Sandbox,
  { manifest }: ManifestFile,
  destination: string,
  outcome: RunOutcome | undefined,
): Promise<CollectReceipt | undefined> {
  const outputs = Object.values(manifest.entries ?? {}).filter(({ type }) => type === 'output');
  if (outputs.length === 0) return undefined;
  using progress = new Progress(session.verbose);
  progress.phase(`collecting outputs into ${destination}`);
  try {
    return await sandbox.collect(destination, { signal: session.interrupts.signal });
  } catch (error) {
    // The command's own failure is the news, and the likely cause of missing outputs.
    if (outcome === undefined || outcome.exit.code === 0) throw error;
    note(`the outputs could not be collected: ${messageOf(error)}`);
    return undefined;
  }
}

import path from 'node:path';
import type { ExitStatus } from '../../contract/exit-status.ts';
import type { SandboxPath } from '../../contract/file-types.ts';
import type { Files } from '../../contract/files.ts';
import type { CollectReceipt, MaterializeReceipt } from '../../contract/manifest-types.ts';
import type {
  CollectOptions,
  CommandLine,
  ExecOptions,
  ExecResult,
  Sandbox,
  SandboxProcess,
  SpawnOptions,
} from '../../contract/sandbox.ts';
import type { SandboxRef } from '../../contract/sandbox-ref.ts';
import type { Json } from '../journal/run-event.ts';
import { commandSpan, failureOf } from '../telemetry/spans.ts';
import type { Guard } from './guard.ts';
import type { Pass } from './pass.ts';
import { persistUntilStarted } from './persist.ts';
import { type FileRecorder, RecordedFiles } from './recorded-files.ts';
import type { RunSandbox } from './run-types.ts';
import type { Frame } from './scope.ts';

/** How a sandbox is named in events. */
export function sandboxName({ provider, id }: SandboxRef): string {
  return `${provider}/${id}`;
}

/** The sandbox of a run or branch: made when it is first used, checked by the policy, and recorded. */
export class RecordedSandbox implements RunSandbox {
  readonly files: Files;
  readonly #pass: Pass;
  readonly #guard: Guard;
  readonly #signal: AbortSignal;
  readonly #open: () => Promise<Sandbox>;

  /** Commands end when the pass does, or with `signal`. */
  constructor(
    pass: Pass,
    guard: Guard,
    open: () => Promise<Sandbox>,
    signal: AbortSignal = pass.signal,
  ) {
    this.#pass = pass;
    this.#signal = signal;
    this.#guard = guard;
    this.#open = open;
    const recorder: FileRecorder = {
      use: async (operation, work) => {
        guard.frame(operation);
        const { files } = await this.#sandbox();
        return this.#persist(operation, () => work(files));
      },
      change: (operation, paths, facts, work) => this.#change(operation, paths, facts, work),
      digest: (bytes) => pass.cipher.digestBytes(bytes),
    };
    this.files = new RecordedFiles(recorder);
  }

  async ref(): Promise<SandboxRef> {
    this.#guard.frame('ref');
    return (await this.#sandbox()).ref;
  }

  async receipt(): Promise<MaterializeReceipt | undefined> {
    this.#guard.frame('receipt');
    return (await this.#sandbox()).receipt;
  }

  async collect(destination: string, options: CollectOptions = {}): Promise<CollectReceipt> {
    this.#guard.frame('collect');
    const sandbox = await this.#sandbox();
    return this.#persist('collect', () => sandbox.collect(destination, this.#within(options)));
  }

  async exec(command: CommandLine, options: ExecOptions = {}): Promise<ExecResult> {
    const frame = await this.#guard.check('exec', { kind: 'command', subject: lineOf(command) });
    const sandbox = await this.#sandbox();
    const span = commandSpan(command, sandboxName(sandbox.ref));
    const result = await this.#pass.span(span, async ({ set, fail }) => {
      const ended = await this.#patiently('exec', options.stdin, () =>
        sandbox.exec(command, this.#within(options)),
      );
      if (ended.exit.code !== undefined) set({ 'process.exit.code': ended.exit.code });
      const failure = failureOf(ended.exit);
      if (failure !== undefined) fail(failure);
      return ended;
    });
    const { exit, stdout, stderr, durationMs } = result;
    const digest = this.#pass.cipher.digestBytes(Buffer.concat([stdout.bytes, stderr.bytes]));
    this.#noteCommand(
      frame,
      sandbox.ref,
      command,
      exit,
      { durationMs: Math.round(durationMs) },
      digest,
    );
    return result;
  }

  async spawn(command: CommandLine, options: SpawnOptions = {}): Promise<SandboxProcess> {
    const frame = await this.#guard.check('spawn', { kind: 'command', subject: lineOf(command) });
    const sandbox = await this.#sandbox();
    const spawned = await this.#patiently('spawn', undefined, () =>
      sandbox.spawn(command, this.#within(options)),
    );
    this.#noteCommand(frame, sandbox.ref, command, undefined, { spawned: true });
    return spawned;
  }

  #noteCommand(
    frame: Frame,
    ref: SandboxRef,
    command: CommandLine,
    exit: ExitStatus | undefined,
    facts: Readonly<Record<string, Json>>,
    outputs?: string,
  ): void {
    this.#pass.log.note(
      {
        ...this.#guard.facts(frame),
        type: 'command',
        sandbox: sandboxName(ref),
        facts: { ...facts, ...(exit ? { exit: { ...exit } } : {}) },
        ...(outputs === undefined ? {} : { outputs }),
      },
      { command: typeof command === 'string' ? command : [...command] },
    );
  }

  async #change(
    operation: string,
    paths: readonly SandboxPath[],
    facts: Json,
    work: (files: Files) => Promise<void>,
  ): Promise<void> {
    const texts = paths.map(absolute);
    let frame = this.#guard.frame(`files.${operation}`);
    for (const subject of texts) {
      frame = await this.#guard.check(`files.${operation}`, { kind: 'path', subject });
    }
    const sandbox = await this.#sandbox();
    // A source that is a stream can be read only once.
    if (facts === null) await this.#withoutSecrets(() => work(sandbox.files));
    else await this.#persist(operation, () => work(sandbox.files));
    const sandboxOf = sandboxName(sandbox.ref);
    const said = { ...this.#guard.facts(frame), sandbox: sandboxOf, facts: { operation } };
    this.#pass.log.note({ ...said, type: 'file.change' }, { paths: texts, facts });
  }

  /** Waits out a provider that is out of reach, unless the input can be read only once. */
  #patiently<Result>(
    operation: string,
    input: ExecOptions['stdin'],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const again = input === undefined || typeof input === 'string' || input instanceof Uint8Array;
    return again ? this.#persist(operation, work) : this.#withoutSecrets(work);
  }

  #sandbox(): Promise<Sandbox> {
    return this.#withoutSecrets(() => this.#pass.until(this.#open()));
  }

  #persist<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    return this.#withoutSecrets(() => persistUntilStarted(operation, work, this.#signal));
  }

  /** What a provider says of a failure may repeat what it was sent. */
  async #withoutSecrets<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw this.#pass.log.secrets.error(error);
    }
  }

  /** The same options, given up on when the pass ends. */
  #within<Options extends { readonly signal?: AbortSignal }>(options: Options): Options {
    const signals = [this.#signal, ...(options.signal ? [options.signal] : [])];
    return { ...options, signal: AbortSignal.any(signals) };
  }
}

function lineOf(command: CommandLine): string {
  return typeof command === 'string' ? command : command.join(' ');
}

/** A path as the policy sees it: absolute, without `.` and `..`, links not followed. */
function absolute(place: SandboxPath): string {
  const text = typeof place === 'string' ? place : Buffer.from(place).toString('latin1');
  return path.posix.resolve('/workspace', text);
}

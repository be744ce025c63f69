import { randomUUID } from 'node:crypto';
import type { Sandbox, SandboxProcess } from '@gantry/core';
import { shellWord } from '../../chassis/shell-word.ts';
import { Turns } from '../../chassis/turns.ts';
import { OutputFlow } from '../../chassis/output-flow.ts';
import { ApiError } from '../api-error.ts';
import { CommandLog, type OutputName } from '../../chassis/command-log.ts';
import { MarkedStream } from './marked-stream.ts';

/** Where the inputs of commands are, in the sandbox. */
const inputs = '/tmp/.daytona-sessions';

/** A command of the session may have changed where programs are looked for. */
const tools = 'PATH=/usr/local/bin:/usr/bin:/bin command';

/** How long input that was taken may need to say so once its command has ended. */
const endingGraceMs = 5_000;

/** One command of a session. */
export interface SessionCommand {
  readonly id: string;
  readonly command: string;
  readonly log: CommandLog;
  /** Resolves when it has ended, however it did. */
  readonly over: Promise<void>;
  exitCode: number | undefined;
}

/** A command and what ends it. */
interface Running extends SessionCommand {
  readonly finish: () => void;
  /** Outputs whose end was not seen yet. */
  readonly open: Set<OutputName>;
}

/**
 * One long-lived bash that runs a session's commands one after another, so that directories and variables stay.
 * After each command it writes a secret marker to both outputs; between two of them all is that command's.
 */
export class SessionShell {
  readonly commands: SessionCommand[] = [];
  readonly #sandbox: Sandbox;
  readonly #process: SandboxProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #marker = `\0${randomUUID()}`;
  readonly #marked: Readonly<Record<OutputName, MarkedStream>> = {
    stdout: new MarkedStream(Buffer.from(this.#marker)),
    stderr: new MarkedStream(Buffer.from(this.#marker)),
  };
  readonly #waiting: Running[] = [];
  readonly #turns = new Turns();
  #ended = false;
  readonly #flow = new OutputFlow();

  private constructor(sandbox: Sandbox, process: SandboxProcess) {
    this.#sandbox = sandbox;
    this.#process = process;
    if (!process.stdin) throw new Error('a session needs an input');
    this.#input = process.stdin.getWriter();
    this.#input.closed.catch(() => undefined); // The exit tells.
    void this.#live();
  }

  static async start(
    sandbox: Sandbox,
    cwd: string,
    env: Readonly<Record<string, string>>,
  ): Promise<SessionShell> {
    const process = await sandbox.spawn(['/bin/bash', '--norc', '--noprofile'], {
      ...{ cwd, env, stdin: 'stream' },
    });
    const shell = new SessionShell(sandbox, process);
    await shell.#say(`exec 98>&1 99>&2\n${tools} mkdir -p -m 700 ${inputs}\n`);
    return shell;
  }

  /** Has it run a command after those before. Throws the vendor's 410 once the shell has ended. */
  async run(command: string): Promise<SessionCommand> {
    if (this.#ended) throw new ApiError(410, 'the session has ended', 'SESSION_ENDED');
    const { promise: over, resolve: finish } = Promise.withResolvers<void>();
    const running: Running = {
      ...{ id: randomUUID(), command, log: new CommandLog(), over, finish },
      open: new Set<OutputName>(['stdout', 'stderr']),
      exitCode: undefined,
    };
    this.commands.push(running);
    this.#waiting.push(running);
    const place = `${inputs}/${running.id}`;
    const marker = String.raw`\000${this.#marker.slice(1)}`;
    await this.#say(
      `${tools} mkfifo -m 600 ${place}
{ eval ${shellWord(command)}
} <>${place} 98>&- 99>&-
{ printf '${marker}%03d' $? >&98; printf '${marker}000' >&99; ${tools} rm -f ${place}; }
`,
    );
    return running;
  }

  /** Gives a command that runs some input. Throws the vendor's error for one that has ended. */
  async feed(id: string, data: string): Promise<void> {
    const command = this.#waiting.find((one) => one.id === id);
    const completed = (): ApiError =>
      new ApiError(410, 'the command has ended', 'COMMAND_ALREADY_COMPLETED');
    if (!command) throw completed();
    const place = `${inputs}/${id}`;
    // The shell may not have come to this command yet.
    const script = 'until [ -p "$0" ]; do sleep 0.02; done; cat >"$0"';
    // One that ends takes its input's place with it, and would be waited for in vain.
    const ending = new AbortController();
    // What it has read before that was taken, and says so in a moment.
    void command.over.then(() => setTimeout(() => ending.abort(), endingGraceMs).unref());
    try {
      const options = { stdin: data, signal: ending.signal };
      const fed = await this.#sandbox.exec(['/bin/sh', '-c', script, place], options);
      if (!fed.ok) throw new ApiError(500, `the input was not taken: ${fed.stderr.text}`);
    } catch (error) {
      throw ending.signal.aborted ? completed() : error;
    }
  }

  /** Kills the shell and all of its children. */
  async kill(): Promise<void> {
    const script = `
kids() ( for p in $(cat /proc/$1/task/*/children 2>/dev/null); do kids "$p"; echo "$p"; done )
kill -s KILL "$1" $(kids "$1") 2>/dev/null || :`;
    const { pid } = this.#process;
    if (pid === undefined) await this.#process.kill();
    else await this.#sandbox.exec(['/bin/sh', '-c', script, 'sh', String(pid)]);
  }

  /** The sandbox went away: whoever follows a command loses it. */
  lose(): void {
    this.#ended = true;
    for (const running of this.#waiting.splice(0)) {
      running.log.end(true);
      running.finish();
    }
  }

  #say(text: string): Promise<void> {
    return this.#turns.run(() => this.#input.write(Buffer.from(text)));
  }

  async #live(): Promise<void> {
    const { stdout, stderr, exit } = this.#process;
    const outputs = Promise.all([this.#read('stdout', stdout), this.#read('stderr', stderr)]);
    outputs.catch(() => undefined); // The exit tells of a lost link.
    try {
      const { code, signal } = await exit;
      this.#ended = true;
      // What it wrote before it ended is still on its way.
      await this.#flow.untilQuiet(outputs);
      const [current] = this.#waiting;
      // A command may end the shell, and with it itself.
      if (current) {
        current.exitCode = code ?? (signal === undefined ? -1 : 137);
        for (const output of current.open) {
          void current.log.append(output, this.#marked[output].rest());
        }
      }
      for (const running of this.#waiting) {
        running.log.end();
        running.finish();
      }
      this.#waiting.length = 0;
    } catch {
      this.lose();
    }
  }

  async #read(output: OutputName, stream: ReadableStream<Uint8Array>): Promise<void> {
    let digits: string | undefined;
    const take = async (chunk: Uint8Array): Promise<void> => {
      for (const piece of this.#marked[output].push(chunk)) {
        if (piece === 'marker') {
          digits = '';
          continue;
        }
        let bytes = piece;
        if (digits !== undefined) {
          const taken = bytes.subarray(0, 3 - digits.length);
          digits += taken.toString('latin1');
          bytes = bytes.subarray(taken.length);
          if (digits.length === 3) {
            this.#ends(output, Number(digits));
            digits = undefined;
          }
        }
        const current = this.#waiting.find(({ open }) => open.has(output));
        if (bytes.length > 0) await current?.log.append(output, bytes);
      }
    };
    for await (const chunk of stream) await this.#flow.pass(take(chunk));
  }

  #ends(output: OutputName, status: number): void {
    const running = this.#waiting.find(({ open }) => open.has(output));
    if (!running) return;
    running.open.delete(output);
    if (output === 'stdout') running.exitCode = status;
    if (running.open.size > 0) return;
    this.#waiting.splice(this.#waiting.indexOf(running), 1);
    running.log.end();
    running.finish();
  }
}

import { type RestrictedSandbox, SandboxError, type SandboxProcess } from '@gantry/core';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** Bytes of one message. A server in a sandbox is hostile: it must not fill the host's memory. */
const longestMessage = 8 * 1024 * 1024;

/** Bytes of what a server complains, kept for the error. */
const keptComplaint = 2_000;

/** How a server in the sandbox is started. */
export interface SandboxServer {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** A directory of the sandbox. Default: the workspace. */
  readonly cwd?: string;
}

/** Speaks MCP with a process in a sandbox, one message a line. The server never runs on the host. */
export class SandboxTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #sandbox: RestrictedSandbox;
  readonly #server: SandboxServer;
  #process: SandboxProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #complaint = '';

  constructor(sandbox: RestrictedSandbox, server: SandboxServer) {
    this.#sandbox = sandbox;
    this.#server = server;
  }

  async start(): Promise<void> {
    const { command, env, cwd } = this.#server;
    const process = await this.#sandbox.spawn(command, {
      stdin: 'stream',
      ...(env ? { env } : {}),
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#process = process;
    this.#input = process.stdin?.getWriter();
    // A server that ends is told by the end of its output.
    this.#input?.closed.catch(() => undefined);
    void this.#read(process.stdout).then(
      () => this.#ended(),
      (error: unknown) => this.#ended(error),
    );
    void this.#listen(process.stderr).catch((error: unknown) => this.#ended(error));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (!this.#input) throw new SandboxError('failed-precondition', 'the server has not started');
    await this.#input.write(Buffer.from(serializeMessage(message)));
  }

  async close(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }

  async #read(output: ReadableStream<Uint8Array>): Promise<void> {
    const buffer = new ReadBuffer({ maxBufferSize: longestMessage });
    for await (const chunk of output) {
      try {
        buffer.append(Buffer.from(chunk));
      } catch (error) {
        await this.#process?.kill('SIGKILL');
        throw error;
      }
      this.#receive(buffer);
    }
  }

  #receive(buffer: ReadBuffer): void {
    for (;;) {
      try {
        const message = buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (error) {
        // That line is gone from the buffer; the next may be a message again.
        this.onerror?.(new Error('the server sent what is no message', { cause: error }));
      }
    }
  }

  async #listen(errors: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of errors) {
      this.#complaint = (this.#complaint + Buffer.from(chunk).toString()).slice(-keptComplaint);
    }
  }

  #ended(error?: unknown): void {
    const said = this.#complaint === '' ? '' : `: ${this.#complaint.trim()}`;
    if (error !== undefined || said !== '') {
      this.onerror?.(
        new Error(`the server ${this.#server.command[0]} ended${said}`, { cause: error }),
      );
    }
    this.onclose?.();
  }
}

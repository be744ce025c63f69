import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** How long the server may take to end what it began. */
const longestEndMs = 60_000;
const main = path.join(import.meta.dirname, '..', 'dist', 'server', 'main.js');

/** The demo's built server in a process of its own, with a state of its own. Disposing ends it, its sandboxes and its state. */
export class DemoProcess implements AsyncDisposable {
  /** Everything that it and its providers keep is below it. */
  readonly directory: string;
  /** With the token of this start. */
  url = '';
  #child: ChildProcess | undefined;
  #cookie = '';
  #said = '';

  readonly #environment: Readonly<Record<string, string>>;

  private constructor(directory: string, environment: Readonly<Record<string, string>>) {
    this.directory = directory;
    this.#environment = environment;
  }

  /** `environment`: what the server's has besides this process's. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<DemoProcess> {
    const directory = await mkdtemp(path.join(tmpdir(), 'gantry-demo-test-'));
    const demo = new DemoProcess(directory, environment);
    await demo.startAgain();
    return demo;
  }

  /** The address without a path and token. */
  get origin(): string {
    return new URL(this.url).origin;
  }

  /** What the session cookie says, for requests that a test makes by hand. */
  get cookie(): string {
    return this.#cookie;
  }

  /** Starts the server once more with the same state, as its user would. */
  async startAgain(): Promise<void> {
    const at = (name: string): string => path.join(this.directory, name);
    const child = spawn(process.execPath, [main, '--state', at('demo')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        // No test asks a real model, whoever runs it.
        ...{ ANTHROPIC_API_KEY: '', OPENAI_API_KEY: '' },
        ...this.#environment,
        GANTRY_STATE_DIRECTORY: at('local'),
        XDG_STATE_HOME: at('state'),
        XDG_CONFIG_HOME: at('config'),
      },
    });
    this.#child = child;
    child.stderr.on('data', (bytes: Buffer) => (this.#said += bytes.toString('utf8')));
    const lines = createInterface(child.stdout);
    this.url = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        this.#said += `${line}\n`;
        const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(line)?.[0];
        if (url !== undefined) resolve(url);
      });
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${this.#said}`)));
    });
    const answer = await fetch(this.url, { redirect: 'manual' });
    this.#cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  }

  /** Ends the process; returns all that it has said. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
    const child = this.#child;
    this.#child = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), longestEndMs);
      await ended;
      clearTimeout(late);
      if (child.signalCode === 'SIGKILL' && signal !== 'SIGKILL')
        throw new Error(`the server did not end after ${signal}: ${this.#said}`);
    }
    return this.#said;
  }

  /** A request as the page makes it. */
  request(
    method: string,
    place: string,
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<Response> {
    const headers = { cookie: this.#cookie, origin: this.origin, 'x-gantry-demo': '1' };
    return fetch(`${this.origin}/api/${place}`, {
      ...{ method, headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** The same with JSON both ways; an error answer is thrown, with what it says. */
  async call<Answer>(method: string, place: string, body?: unknown): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.request(method, place, text);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${place}: ${answer.status} ${said}`);
    return JSON.parse(said) as Answer;
  }

  /** Asks until the answer is as wanted. */
  async until<Answer>(place: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const answer = await this.call<Answer>('GET', place);
      if (wanted(answer)) return answer;
      if (Date.now() > deadline)
        throw new Error(`${place} did not become as wanted: ${JSON.stringify(answer)}`);
      await delay(50);
    }
  }

  /** Makes a sandbox and waits until it is listed; returns its id. */
  async sandbox(request: {
    readonly provider: string;
    readonly name: string;
    readonly manifest?: string;
  }): Promise<string> {
    await this.call('POST', 'sandboxes', request);
    const named = ({ name }: { readonly name: string }): boolean => name === request.name;
    const all = await this.until<readonly { id: string; name: string }[]>('sandboxes', (list) =>
      list.some(named),
    );
    return all.find(named)?.id ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#child) await this.startAgain();
      const sandboxes = await this.call<readonly { id: string }[]>('GET', 'sandboxes');
      await Promise.all(sandboxes.map(({ id }) => this.call('DELETE', `sandboxes/${id}`)));
    } finally {
      await this.stop();
      await rm(this.directory, { recursive: true, force: true });
    }
  }
}

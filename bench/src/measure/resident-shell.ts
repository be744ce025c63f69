import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A shell of the host that stays: what a command costs without a fork of this process, and with nothing around it. */
export class ResidentShell implements Disposable {
  readonly #child = spawn('sh', ['-c', 'while read -r line; do /bin/true; echo $?; done'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });

  /** Has it run /bin/true. */
  async runTrue(): Promise<void> {
    const answer = once(this.#child.stdout, 'data');
    this.#child.stdin.write('\n');
    const code = String((await answer)[0]);
    if (code !== '0\n') throw new Error(`the resident shell said ${JSON.stringify(code)}`);
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end();
  }
}

import type { AgentStep, AgentView } from '../../protocol/compare.ts';

/** Characters of what went into a step, and of what came out, that are shown. */
const mostInput = 1_000;
const mostOutput = 2_000;
const mostSteps = 100;

type Shown = Omit<AgentView, 'model'>;

/** What an agent does, step by step, as much of it as a page shows. */
export class AgentSteps {
  readonly #since: () => number;
  readonly #tell: (shown: Shown) => void;
  #steps: readonly AgentStep[] = [];
  #earlier = 0;
  #end: Pick<Shown, 'status' | 'said' | 'tokens'> = {};

  constructor(since: () => number, tell: (shown: Shown) => void) {
    this.#since = since;
    this.#tell = tell;
    this.#changed();
  }

  /** A step begins; the function that is returned ends it. */
  begin(
    kind: AgentStep['kind'],
    name: string,
    input?: string,
  ): (result: { readonly output?: string; readonly failed?: boolean }) => void {
    let step: AgentStep = { kind, name, startedMs: this.#since() };
    if (input !== undefined) step = { ...step, input: shortened(input, mostInput) };
    this.#steps = [...this.#steps, step];
    if (this.#steps.length > mostSteps) {
      this.#steps = this.#steps.slice(1);
      this.#earlier += 1;
    }
    this.#changed();
    return ({ output, failed }) => {
      const ended: AgentStep = {
        ...{ ...step, endedMs: this.#since() },
        ...(output ? { output: shortened(output, mostOutput) } : {}),
        ...(failed ? { failed } : {}),
      };
      this.#steps = this.#steps.map((each) => (each === step ? ended : each));
      this.#changed();
    };
  }

  /** How it all ended. */
  finish(end: Pick<Shown, 'status' | 'said' | 'tokens'>): void {
    this.#end = end;
    this.#changed();
  }

  #changed(): void {
    this.#tell({ steps: this.#steps, earlier: this.#earlier, ...this.#end });
  }
}

/** The start and the end of a long text, with a word on what is left out. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  const left = text.length - 2 * half;
  return `${text.slice(0, half)}\n[${left} characters more]\n${text.slice(-half)}`;
}

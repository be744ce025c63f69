import { lookup } from 'node:dns/promises';
import { type IpAddress, readAddress } from '../policy/ip-address.ts';

/** How long an answer is used again. Short: whoever moves a service does not wait for us. */
const keptMs = 10_000;
const mostKept = 2048;
/** Questions to this machine's resolver at a time: it blocks threads that everything else on the host needs too. */
const mostAsked = 2;

interface Answer {
  readonly addresses: Promise<readonly IpAddress[]>;
  readonly until: number;
}

/** Addresses of names, asked for once and kept for a moment. Only names that a policy allows are ever asked for. */
export class NameAnswers {
  readonly #ask: (name: string) => Promise<readonly string[]>;
  readonly #kept = new Map<string, Answer>();

  constructor(ask?: (name: string) => Promise<readonly string[]>) {
    this.#ask = ask ?? inTurns(askThisMachine);
  }

  /** All addresses of a name; rejects where there are none. */
  async addresses(name: string): Promise<readonly IpAddress[]> {
    const now = performance.now();
    const known = this.#kept.get(name);
    if (known !== undefined && known.until > now) return known.addresses;
    if (this.#kept.size >= mostKept) this.#kept.clear();
    const addresses = this.#answer(name);
    this.#kept.set(name, { addresses, until: now + keptMs });
    try {
      return await addresses;
    } catch (error) {
      if (this.#kept.get(name)?.addresses === addresses) this.#kept.delete(name);
      throw error;
    }
  }

  async #answer(name: string): Promise<readonly IpAddress[]> {
    const texts = await this.#ask(name);
    const addresses = texts.map((text) => readAddress(text));
    const known = addresses.filter((address) => address !== undefined);
    if (known.length === 0) throw new Error(`no address is known for ${name}`);
    return known;
  }
}

type Ask = (name: string) => Promise<readonly string[]>;

/** One question after the other, so that who asks many, or for what nobody answers, has one of all places and no more. */
function inTurns(ask: Ask): Ask {
  let last: Promise<unknown> = Promise.resolve();
  return (name) => {
    const answer = last.then(() => ask(name));
    last = answer.catch(() => undefined);
    return answer;
  };
}

let asked = 0;
const waiting: (() => void)[] = [];

async function askThisMachine(name: string): Promise<readonly string[]> {
  if (asked < mostAsked) asked += 1;
  else {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  }
  try {
    const answers = await lookup(name, { all: true });
    return answers.map(({ address }) => address);
  } finally {
    // The place goes to who waits longest.
    const next = waiting.shift();
    if (next) next();
    else asked -= 1;
  }
}

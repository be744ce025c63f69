import { type OnSecret, SandboxError, type SecretResolver, type SecretRule } from '@gantry/core';
import { brokering } from '@gantry/core/node';
import type { Host } from '../policy/host-name.ts';
import { readTarget, type Target } from '../policy/target-list.ts';
import type { Masks } from './mask-stream.ts';

/** A secret of one session and where it goes. Holds no value. */
export interface BrokeredSecret {
  readonly name: string;
  readonly rule: SecretRule;
  /** What the sandbox has in its place. */
  readonly placeholder: string;
  readonly hosts: readonly Target[];
}

/** Values that are remembered per secret, so that an answer with one from before a rotation is masked too. */
const mostRemembered = 8;

/** The secrets of one session. Values are asked for at each use, and kept only to be recognised in what comes back. */
export class SecretBroker {
  readonly #resolver: SecretResolver | undefined;
  readonly #onSecret: OnSecret | undefined;
  #secrets: readonly BrokeredSecret[] = [];
  /** Per secret: value -> its forms, each with what is shown in its place. */
  readonly #seen = new Map<string, Map<string, Masks>>();
  #redactor: brokering.Redactor | undefined;

  constructor(resolver: SecretResolver | undefined, onSecret?: OnSecret) {
    this.#resolver = resolver;
    this.#onSecret = onSecret;
  }

  /** Learns length and shape of each secret. Throws `failed-precondition` or `invalid-argument`. */
  async open(rules: Readonly<Record<string, SecretRule>>): Promise<void> {
    const opened = Object.entries(rules).map(async ([name, rule]) => {
      const hosts = checkedHosts(name, rule);
      const value = await this.#read(name, rule);
      const placeholder = brokering.placeholderOf(name, value);
      this.#seen.set(name, new Map([[value, brokering.secretForms(value, placeholder)]]));
      return { name, rule, placeholder, hosts };
    });
    this.#secrets = await Promise.all(opened);
  }

  /** Variable -> placeholder. */
  environment(): Record<string, string> {
    return Object.fromEntries(this.#secrets.map(({ name, placeholder }) => [name, placeholder]));
  }

  /** The secrets that are for a host, whatever the policy says of it. */
  at(host: Host, port: number): readonly BrokeredSecret[] {
    return this.#secrets.filter(({ hosts }) => hosts.some((target) => target.matches(host, port)));
  }

  /** The value as it is now. Rejects when it is not there, or cannot be sent in a header or a query. */
  async value({ name, rule }: BrokeredSecret): Promise<string> {
    const value = await this.#read(name, rule);
    const seen = this.#seen.get(name);
    if (seen === undefined) {
      const message = `secret ${name}: the session is closed`;
      throw new SandboxError('failed-precondition', message, { operation: 'egress' });
    }
    if (!seen.has(value)) {
      // A value that is too short for a stand-in of its own is shown as asterisks.
      const shown = brokering.standInFor(value) ?? '*'.repeat(value.length);
      seen.set(value, brokering.secretForms(value, shown));
      const [oldest] = seen.keys();
      if (seen.size > mostRemembered && oldest !== undefined) seen.delete(oldest);
      this.#redactor = undefined;
    }
    return value;
  }

  /** Every form of every value that these secrets had, with what is shown in its place, the longest first. */
  masks(secrets: readonly BrokeredSecret[]): Masks {
    return secrets
      .flatMap(({ name }) => [...(this.#seen.get(name)?.values() ?? [])].flat())
      .toSorted(([left], [right]) => right.length - left.length);
  }

  /** A text without any value of this session's secrets. */
  redact(text: string): string {
    this.#redactor ??= brokering.redactor(
      [...this.#seen].flatMap(([name, values]) =>
        [...values.keys()].map((value) => [name, value] as const),
      ),
    );
    return this.#redactor.text(text);
  }

  /** Forgets every value. */
  close(): void {
    this.#seen.clear();
    this.#secrets = [];
    this.#redactor = undefined;
  }

  #read(name: string, rule: SecretRule): Promise<string> {
    return brokering.readSendableSecret(name, rule, this.#resolver, 'egress', this.#onSecret);
  }
}

function checkedHosts(name: string, rule: SecretRule): readonly Target[] {
  brokering.checkSecretRule(name, rule);
  return rule.hosts.map((host) => readTarget(host, [443], name));
}

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type NetworkPolicy, SandboxError, type SandboxRef, type SecretRule } from '@gantry/core';
import { parseManifest } from '@gantry/core/manifest';

/** What any process of this user must know to serve a sandbox: no secret, and no placeholder of one. */
export interface EgressTerms {
  readonly network: NetworkPolicy;
  readonly secrets: Readonly<Record<string, SecretRule>>;
  /** Environment variables that the sandbox's maker has set, which are left as they are. */
  readonly given: readonly string[];
}

/** Expired records are kept a while: a clock may be set back. */
const graceMs = 24 * 60 * 60 * 1000;

/** Where records are kept when nobody says. */
export function defaultStateDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/gantry/egress';
  const { XDG_STATE_HOME: home } = process.env;
  return path.join(home || path.join(os.homedir(), '.local/state'), 'gantry/egress');
}

/** The terms of sandboxes, for `connect` from any process of the same user. Files that only that user can read. */
export class EgressRecords {
  readonly #directory: string;
  #swept = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Replaces a sandbox's terms, at once. `endsAt` is when the sandbox surely is no more. */
  write(ref: SandboxRef, terms: EgressTerms, endsAt: number): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#sweep();
    const { network, secrets, given } = terms;
    const manifest = { spec: 'gantry-manifest/1', network, secrets };
    const file = this.#file(ref);
    const text = JSON.stringify({ spec: 'gantry-egress/1', endsAt, given, manifest });
    writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** `undefined` for a sandbox that has none; `data-loss` for a record that is damaged. */
  read(ref: SandboxRef): { readonly terms: EgressTerms; readonly endsAt: number } | undefined {
    const text = this.text(ref);
    if (text === undefined) return undefined;
    try {
      const { endsAt, given, manifest } = membersOf(JSON.parse(text));
      const { network = { mode: 'none' }, secrets: all = {} } = parseManifest(manifest);
      const secrets = Object.fromEntries(
        Object.entries(all).flatMap(([name, rule]): [string, SecretRule][] =>
          'expose' in rule ? [] : [[name, rule]],
        ),
      );
      if (typeof endsAt !== 'number' || !isTexts(given)) throw new Error('a member is missing');
      return { terms: { network, secrets, given }, endsAt };
    } catch (cause) {
      const message = `${this.#file(ref)} is no record of an egress policy; destroy the sandbox, or remove the file`;
      throw new SandboxError('data-loss', message, { ref, cause });
    }
  }

  /** The record as it is stored: what tells one state of it from another. */
  text(ref: SandboxRef): string | undefined {
    try {
      return readFileSync(this.#file(ref), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  remove(ref: SandboxRef): void {
    rmSync(this.#file(ref), { force: true });
  }

  /** Once in each process: sandboxes that ended by themselves leave their records. */
  #sweep(): void {
    if (this.#swept) return;
    this.#swept = true;
    for (const name of readdirSync(this.#directory)) {
      const file = path.join(this.#directory, name);
      if (isOver(file)) rmSync(file, { force: true });
    }
  }

  #file({ provider, id }: SandboxRef): string {
    return path.join(this.#directory, `${provider}-${id}.json`);
  }
}

function isOver(file: string): boolean {
  try {
    const { endsAt } = membersOf(JSON.parse(readFileSync(file, 'utf8')));
    return typeof endsAt === 'number' && endsAt + graceMs < Date.now();
  } catch {
    // Damaged, or gone meanwhile: whoever needs it is told.
    return false;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

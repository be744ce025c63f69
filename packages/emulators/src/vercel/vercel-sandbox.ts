import type { EmulatedSandbox } from '../chassis/emulated-sandboxes.ts';
import { accountEnvironment, type GuestAccount } from '../chassis/guest-account.ts';
import { SetHeaders } from '../chassis/set-headers.ts';
import { Turns } from '../chassis/turns.ts';
import { Commands } from './commands.ts';
import { newId, newToken } from './ids.ts';
import { setHeadersOf } from './network-policy.ts';
import type { NewSandbox, PolicyRequest } from './wire-bodies.ts';

/** Where a session is in its life, in the vendor's words. */
export type SessionStatus =
  | 'pending'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'failed'
  | 'aborted'
  | 'snapshotting';

/** One run of a sandbox: a machine of its own, which never runs again once it has stopped. */
export class VercelSession {
  readonly id: string = newId('sbx');
  readonly sandbox: VercelSandbox;
  readonly commands: Commands = new Commands();
  readonly sourceSnapshotId: string | undefined;
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly requestedAt: number;
  /** What lets a terminal's connection in. */
  readonly interactiveToken: string = newToken();
  status: SessionStatus = 'pending';
  /** From its start, in milliseconds. */
  timeout: number;
  policy: PolicyRequest | undefined;
  readonly headers: SetHeaders;
  updatedAt: number;
  startedAt: number | undefined;
  requestedStopAt: number | undefined;
  stoppedAt: number | undefined;
  snapshottedAt: number | undefined;
  /** The real one, while it runs. */
  real: EmulatedSandbox<VercelSession> | undefined;

  constructor(sandbox: VercelSandbox, now: number, sourceSnapshotId: string | undefined) {
    this.sandbox = sandbox;
    this.sourceSnapshotId = sourceSnapshotId;
    this.requestedAt = this.updatedAt = now;
    this.timeout = sandbox.settings.timeout ?? defaultTimeoutMs;
    this.policy = sandbox.settings.networkPolicy;
    this.headers = new SetHeaders(setHeadersOf(this.policy));
  }
}

/** One sandbox as the vendor's clients know it: a name, settings, and the sessions that it had. */
export class VercelSandbox {
  readonly name: string;
  readonly createdAt: number;
  readonly sessions: VercelSession[] = [];
  settings: Omit<NewSandbox, 'name' | 'source' | 'keepLastSnapshots'> & {
    keepLastSnapshots?: NewSandbox['keepLastSnapshots'];
  };
  updatedAt: number;
  statusUpdatedAt: number;
  currentSnapshotId: string | undefined;
  deleted = false;
  readonly #turns = new Turns();

  constructor(name: string, settings: NewSandbox, now: number) {
    const { source: _source, name: _name, ...kept } = settings;
    this.name = name;
    this.settings = kept;
    this.createdAt = this.updatedAt = this.statusUpdatedAt = now;
  }

  get persistent(): boolean {
    return this.settings.persistent ?? true;
  }

  /** The session that runs, or ran last. */
  get current(): VercelSession {
    const session = this.sessions.at(-1);
    if (session) return session;
    throw new Error(`sandbox ${this.name} never had a session`);
  }

  /** Older images have another user. */
  get account(): GuestAccount {
    return this.settings.runtime === undefined ? account : runtimeAccount;
  }

  /** Where commands begin that do not say. */
  get cwd(): string {
    return this.settings.runtime === undefined ? account.home : '/vercel/sandbox';
  }

  /** Runs what changes its state, one after another. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  /** What every process of it finds in its environment. */
  environment(): Record<string, string> {
    return { ...accountEnvironment(this.account), ...this.settings.env };
  }
}

/** How long a session runs when nobody says. */
const defaultTimeoutMs = 300_000;

/** The user of the vendor's images. */
const account: GuestAccount = {
  ...{ name: 'ubuntu', home: '/vercel', marker: '/var/.vercel-prepared' },
};

const runtimeAccount: GuestAccount = {
  ...account,
  ...{ name: 'vercel-sandbox', home: '/home/vercel-sandbox' },
};

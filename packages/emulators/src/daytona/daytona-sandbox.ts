import { randomBytes, randomUUID } from 'node:crypto';
import { CpuShare } from '../chassis/cpu-share.ts';
import type { EmulatedSandbox } from '../chassis/emulated-sandboxes.ts';
import { accountEnvironment, type GuestAccount } from '../chassis/guest-account.ts';
import { Turns } from '../chassis/turns.ts';
import type { SnapshotShape } from './snapshots.ts';
import { Sessions } from './toolbox/sessions.ts';
import { Terminals } from './toolbox/terminals.ts';
import type { NetworkSettings, NewSandbox } from './wire-bodies.ts';

/** Where a sandbox is in its life, in the vendor's words. */
export type SandboxState =
  | 'creating'
  | 'starting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'pausing'
  | 'paused'
  | 'resuming'
  | 'archiving'
  | 'archived'
  | 'restoring'
  | 'snapshotting'
  | 'build_failed'
  | 'error'
  | 'destroying'
  | 'destroyed';

/** The user of the vendor's default images. */
export const account: GuestAccount = {
  name: 'daytona',
  home: '/home/daytona',
  marker: '/var/.daytona-prepared',
};

/** What the clock does to a sandbox that nobody uses. */
type IntervalName = 'stop' | 'pause' | 'archive' | 'delete';

/** Minutes that hold when nobody says otherwise. */
const defaults: Readonly<Record<IntervalName, number>> = {
  ...{ stop: 15, pause: 0, archive: 7 * 24 * 60, delete: -1 },
};

/** One sandbox as the vendor's clients know it, from the moment it is asked for. */
export class DaytonaSandbox {
  readonly id: string = randomUUID();
  readonly name: string;
  readonly request: NewSandbox;
  readonly shape: SnapshotShape;
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly createdAt: number;
  /** What a caller of its private ports must carry. */
  readonly previewToken: string = newToken();
  readonly sessions: Sessions = new Sessions();
  readonly terminals: Terminals = new Terminals();
  readonly cpu: CpuShare = new CpuShare();
  /** Minutes, by what happens then. */
  readonly intervals: Record<IntervalName, number>;
  labels: Record<string, string>;
  env: Record<string, string>;
  network: NetworkSettings;
  signingKey: string = newToken();
  state: SandboxState = 'creating';
  errorReason: string | undefined;
  updatedAt: number;
  lastActivityAt: number;
  /** When it was stopped last. */
  stoppedAt: number | undefined;
  destroyAt: number | undefined;
  alarm: Disposable | undefined;
  /** Called once it is destroyed. */
  readonly cleanups: Set<() => void> = new Set<() => void>();
  /** The real one, once it is there. */
  real: EmulatedSandbox<DaytonaSandbox> | undefined;
  readonly #turns = new Turns();

  constructor(request: NewSandbox, shape: SnapshotShape, now: number) {
    this.request = request;
    this.shape = shape;
    this.name = request.name ?? this.id;
    this.labels = { ...request.labels };
    this.env = { ...request.env };
    this.network = request;
    this.intervals = {
      stop: request.autoStopInterval ?? defaults.stop,
      pause: request.autoPauseInterval ?? defaults.pause,
      archive: request.autoArchiveInterval ?? defaults.archive,
      delete: request.autoDeleteInterval ?? defaults.delete,
    };
    this.createdAt = this.updatedAt = this.lastActivityAt = now;
    if (request.ttlMinutes) this.destroyAt = now + request.ttlMinutes * 60_000;
  }

  /** Runs what changes its state, one after another. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  /** What every process of it finds in its environment. */
  environment(): Record<string, string> {
    return {
      ...accountEnvironment(account),
      DAYTONA_SANDBOX_ID: this.id,
      DAYTONA_SANDBOX_USER: account.name,
      ...this.env,
    };
  }
}

/** A secret of its own for each purpose. */
export function newToken(): string {
  return randomBytes(20).toString('hex');
}

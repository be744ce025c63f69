import { z } from 'zod';

/** One event of a run's record. */
export interface RunEventView {
  readonly run: string;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch, by the writer's clock. */
  readonly time: number;
  /** Grows by one with each process that drives the run. */
  readonly epoch: number;
  readonly actor: string;
  readonly type: string;
  readonly scope?: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly sandbox?: string;
  readonly manifest?: string;
  readonly before?: string;
  readonly after?: string;
  readonly snapshot?: string;
  readonly inputs?: string;
  readonly outputs?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly body?: { readonly sha256: string; readonly bytes: number };
  /** Whether a rollback took it back. */
  readonly superseded: boolean;
}

/** One link of the chain: `hash` is SHA-256 of the hash before, a line feed and `text`. */
export interface ChainLink {
  readonly sequence: number;
  readonly hash: string;
  /** The event's canonical JSON, byte for byte as it is hashed. */
  readonly text: string;
  /** Whether a signature covers exactly the chain up to here. */
  readonly signed: boolean;
}

/** `GET /api/runs/:id/chain`: the whole record, and whose key signs it. */
export interface ChainAnswer {
  readonly run: string;
  /** What the first event is chained to. */
  readonly first: string;
  readonly links: readonly ChainLink[];
  /** SHA-256 of the public key. */
  readonly keyId?: string;
  readonly publicKey: string;
}

/** One way to tamper. `forge` edits an event and makes the whole chain anew behind it. */
export type Tampering = 'edit' | 'remove' | 'swap' | 'truncate' | 'forge';

/** `POST /api/runs/:id/tamper`: what is done to a copy of the record, and to which event. */
export interface TamperRequest {
  readonly how: Tampering;
  readonly sequence: number;
}

export const tamperRequest: z.ZodType<TamperRequest> = z.strictObject({
  how: z.enum(['edit', 'remove', 'swap', 'truncate', 'forge']),
  sequence: z.int().min(1),
});

/** What verifying a record found. */
export interface VerificationView {
  readonly verdict: 'verified' | 'unanchored' | 'broken';
  readonly events: number;
  readonly signedThrough: number;
  readonly erased: boolean;
  readonly problems: readonly {
    readonly kind: string;
    readonly sequence: number;
    readonly message: string;
  }[];
  readonly milliseconds: number;
}

/** What was done to the copy, and what verifying it found. The record itself is as it was. */
export interface TamperAnswer {
  readonly how: Tampering;
  readonly sequence: number;
  /** The event's text before and after; absent where it was not edited. */
  readonly before?: string;
  readonly after?: string;
  readonly verification: VerificationView;
}

/** The forms of `GET /api/runs/:id/export?format=`. */
export type ExportForm = 'intoto' | 'otel' | 'jsonl';

export const exportForms: readonly ExportForm[] = ['intoto', 'otel', 'jsonl'];

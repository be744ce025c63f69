import { z } from 'zod';

/** A provider that the clinical-records run can use: it mounts Node from this machine into its sandboxes. */
export type RunProvider = 'local' | 'docker';

/** The most seconds that each sandbox of a run may be held. */
const longestHold = 15;

/** What a run is begun with. */
export interface RunSettings {
  /** Branches are spread over them; the first has the run's own workspace. */
  readonly providers: readonly RunProvider[];
  /** Only documents with this in their name. */
  readonly only?: string | undefined;
  /** Sandboxes at a time. */
  readonly concurrency: number;
  /** Seconds that each sandbox waits before its work: time to kill one by hand. */
  readonly holdSeconds: number;
  /** Whether the results leave the run only once a person has allowed it. */
  readonly approval: boolean;
  /** A model writes the extractor first: a real one where a key is set, else a scripted one. */
  readonly agent: boolean;
}

/** `POST /api/runs`. Answers `{id}`. */
export interface StartRunRequest extends Partial<RunSettings> {
  readonly job?: 'clinical-records';
}

export const runSettings: z.ZodType<RunSettings> = z.object({
  providers: z
    .array(z.enum(['local', 'docker']))
    .min(1)
    .max(2)
    .default(['local']),
  only: z.string().max(200).optional(),
  concurrency: z.int().min(1).max(16).default(4),
  holdSeconds: z.number().min(0).max(longestHold).default(2),
  approval: z.boolean().default(true),
  agent: z.boolean().default(false),
});

/** `POST /api/runs/:id/kill-sandbox`: of a branch by its scope, or the run's own without one. */
export interface KillSandboxRequest {
  readonly scope?: string | undefined;
}

export const killSandboxRequest: z.ZodType<KillSandboxRequest> = z.strictObject({
  scope: z.string().max(200).optional(),
});

/** `POST /api/runs/:id/approvals`: a person's answer to what a run asks. The run then goes on. */
export interface AnswerRequest {
  readonly ask: string;
  readonly allow: boolean;
  readonly note?: string | undefined;
}

export const answerRequest: z.ZodType<AnswerRequest> = z.strictObject({
  ask: z.string().max(64),
  allow: z.boolean(),
  note: z.string().max(500).optional(),
});

/** One document of a run. Its branch's scope is `ORDINAL:WAVE/INDEX`. */
export interface RunDocument {
  readonly name: string;
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly expected: 'record' | 'malformed';
  /** Name of the fan-out that it belongs to. */
  readonly wave: string;
  /** Its place in the fan-out. */
  readonly index: number;
}

/** Where a run is. `interrupted`: its process is gone and the run can go on. `waiting`: for an answer. */
export type RunState =
  | 'starting'
  | 'running'
  | 'interrupted'
  | 'waiting'
  | 'finished'
  | 'failed'
  | 'erased';

/** What a run is about, as the list shows it. */
export interface RunSummary {
  readonly id: string;
  readonly job: 'clinical-records';
  readonly state: RunState;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly events: number;
  readonly providers: readonly string[];
  readonly documents: number;
  /** How many of them are recorded. */
  readonly documentsDone: number;
}

/** Something that a person must decide before the run goes on. */
export interface RunAsk {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly step?: string;
  readonly scope?: string;
}

/** What became of one document. */
export interface DocumentResult {
  readonly document: string;
  readonly status: 'verified' | 'refused' | 'failed';
  /** How many fields were found at their place in the document. */
  readonly fields: number;
  readonly encounters?: number;
  readonly milliseconds: number;
  readonly attempts: number;
  readonly provider?: string;
  readonly message?: string;
}

/** One run, as its page shows it; its timeline is made of its events. */
export interface RunView extends RunSummary {
  readonly holdSeconds: number;
  readonly concurrency: number;
  readonly approval: boolean;
  readonly agent: boolean;
  /** The process that drives it. */
  readonly harness: { readonly alive: boolean; readonly pid?: number };
  readonly list: readonly RunDocument[];
  readonly results: readonly DocumentResult[];
  readonly asks: readonly RunAsk[];
  /** What its last process said before it ended, where that was not well. */
  readonly trouble?: string;
  /** What the model that writes the extractor has come to. */
  readonly agentSaid?: string;
  /** Where the released results are, on this machine. */
  readonly released?: string;
}

/** One value that was extracted, and the bytes of the document that it was read from. */
export interface ExtractedField {
  /** Where in the record, for example `patient.birthDate`. */
  readonly path: string;
  readonly value: string;
  readonly raw: string;
  readonly normalization: string;
  /** Half-open range of bytes of the document. */
  readonly start: number;
  readonly end: number;
}

/** All that was read from one document. */
export interface DocumentFields {
  readonly document: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly fields: readonly ExtractedField[];
}

import type { Plan } from '@gantry/core/manifest';
import { z } from 'zod';

/** A manifest to start from: `GET /api/manifest/templates`. */
export interface ManifestTemplate {
  readonly id: string;
  readonly title: string;
  /** One sentence: what it shows. */
  readonly about: string;
  /** YAML. */
  readonly text: string;
  /** Capabilities that it needs beside the core; one without them can plan it and refuses to make it. */
  readonly needs: readonly string[];
}

/** `POST /api/manifest/plan`. The text is YAML or JSON. */
export interface PlanRequest {
  readonly provider: string;
  readonly manifest: string;
}

export const planRequest: z.ZodType<PlanRequest> = z.strictObject({
  provider: z.string(),
  manifest: z.string().max(8 << 20),
});

/** One thing that is wrong in a manifest's text. Lines and columns count from 1. */
export interface ManifestProblem {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What would be done, or what is wrong. `problems` is empty exactly when there is a plan; the plan's `refused` is separate. */
export interface PlanAnswer {
  readonly plan?: Plan;
  readonly problems: readonly ManifestProblem[];
  /** The manifest as JSON text, for copied code. Present with a plan. */
  readonly json?: string;
}

import type { ClinicalRecord } from '../guest/record.ts';
import { readGenerated } from './from-generated.ts';
import { leavesOfRecord } from './from-record.ts';
import { rules } from './rules.ts';
import type { Difference } from './rules.ts';

/** A difference and the rule that explains it, or `unexplained`. */
interface ExplainedDifference {
  readonly path: string;
  readonly ours: string | null;
  readonly theirs: string | null;
  readonly rule: string;
}

/** How far a record agrees with a result of the package's own parser, place by place. */
export interface Agreement {
  /** Places of the model where either side has a value. */
  readonly compared: number;
  readonly agreed: number;
  readonly differences: readonly ExplainedDifference[];
}

/** The rule's place for a difference that no rule explains. */
export const unexplained = 'unexplained';

/** Compares patient and encounters of a record with a generated result's, given as its file's text. */
export function compareWithGenerated(record: ClinicalRecord, generated: string): Agreement {
  const { leaves: theirs, version } = readGenerated(generated);
  const ours = leavesOfRecord(record);
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted();
  const differences = paths
    .map((path): Difference => ({
      path,
      ours: ours.get(path),
      theirs: theirs.get(path),
      all: { ours, theirs },
      format: record.format,
      version,
    }))
    .filter((one) => one.ours?.value !== one.theirs?.value)
    .map((difference) => ({
      path: difference.path,
      ours: difference.ours?.value ?? null,
      theirs: difference.theirs?.value ?? null,
      rule: rules.find((rule) => rule.explains(difference))?.id ?? unexplained,
    }));
  return { compared: paths.length, agreed: paths.length - differences.length, differences };
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { mutants } from '@gantry/conformance';
import { z } from 'zod';
import type { ConformanceAnswer } from '../../protocol/conformance.ts';
import { reportsDirectory } from '../providers/committed-reports.ts';

const matrixFile = path.join(
  ...[reportsDirectory, '..', 'packages', 'conformance', 'kill-matrix.json'],
);

const matrixSchema = z.object({
  date: z.string(),
  against: z.enum(['kills', 'all']),
  checks: z.array(z.string()),
  mutants: z.record(z.string(), z.array(z.string())),
});

/** The committed kill matrix: each provider that is broken on purpose, and the checks that noticed. */
export async function killMatrix(): Promise<ConformanceAnswer['matrix']> {
  const {
    date,
    against,
    checks,
    mutants: rows,
  } = matrixSchema.parse(JSON.parse(await readFile(matrixFile, 'utf8')));
  const breaks = new Map(mutants.map((mutant) => [mutant.name, mutant.breaks]));
  return {
    ...{ date, against, checks },
    mutants: Object.entries(rows).map(([id, killedBy]) => ({
      ...{ id, killedBy },
      title: breaks.get(id) ?? id,
    })),
  };
}

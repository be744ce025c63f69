import { realModel } from '@gantry/example-clinical-records/model';
import type { ModelView } from '../../protocol/compare.ts';

/** Which model agents are: one that the environment has a key for, else a script that says that it is one. */
export function modelView(environment: Readonly<Record<string, string | undefined>>): ModelView {
  const real = realModel(environment);
  return real ? { id: real.id, vendor: real.vendor } : { id: 'scripted' };
}

import { callMutants } from './call-mutants.ts';
import { egressMutants } from './egress-mutants.ts';
import { secretMutants } from './secret-mutants.ts';
import { capabilityMutants } from './capability-mutants.ts';
import { durableMutants } from './durable-mutants.ts';
import { fanOutMutants } from './fan-out-mutants.ts';
import { limitMutants } from './limit-mutants.ts';
import { suspensionMutants } from './suspension-mutants.ts';
import { portabilityMutants } from './portability-mutants.ts';
import { rehydrationMutants } from './rehydration-mutants.ts';
import { reachMutants } from './reach-mutants.ts';
import { serviceMutants } from './service-mutants.ts';
import { commandMutants } from './command-mutants.ts';
import { endingMutants } from './ending-mutants.ts';
import { fileMutants } from './file-mutants.ts';
import { isolationMutants } from './isolation-mutants.ts';
import { lifecycleMutants } from './lifecycle-mutants.ts';
import { manifestMutants } from './manifest-mutants.ts';
import type { Mutant } from './mutant.ts';
import { streamMutants } from './stream-mutants.ts';

/** Every mutant of the suite: what the checks are proven by. */
export const mutants: readonly Mutant[] = [
  ...lifecycleMutants,
  ...callMutants,
  ...commandMutants,
  ...streamMutants,
  ...endingMutants,
  ...fileMutants,
  ...manifestMutants,
  ...isolationMutants,
  ...capabilityMutants,
  ...serviceMutants,
  ...fanOutMutants,
  ...reachMutants,
  ...rehydrationMutants,
  ...portabilityMutants,
  ...limitMutants,
  ...suspensionMutants,
  ...durableMutants,
  ...egressMutants,
  ...secretMutants,
];

import { commandScenarios } from './command-scenarios.ts';
import { controlScenarios } from './control-scenarios.ts';
import { killScenarios } from './kill-scenarios.ts';
import { lifetimeScenarios } from './lifetime-scenarios.ts';
import { limitScenarios } from './limit-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { suspendScenarios } from './suspend-scenarios.ts';

export const scenarios: readonly Scenario[] = [
  ...commandScenarios,
  ...controlScenarios,
  ...lifetimeScenarios,
  ...limitScenarios,
  ...killScenarios,
  ...suspendScenarios,
];

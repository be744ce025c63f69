import { commandScenarios } from './command-scenarios.ts';
import { controlScenarios } from './control-scenarios.ts';
import { lifetimeScenarios } from './lifetime-scenarios.ts';
import { scaleScenarios } from './scale-scenarios.ts';
import type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [
  ...commandScenarios,
  ...controlScenarios,
  ...lifetimeScenarios,
  ...scaleScenarios,
];

import { changesScenarios } from './changes-scenarios.ts';
import { commandScenarios } from './command-scenarios.ts';
import { controlScenarios } from './control-scenarios.ts';
import { copyOnWriteScenarios } from './copy-on-write-scenarios.ts';
import { forkScenarios } from './fork-scenarios.ts';
import { hostileGuests } from './hostile-guests.ts';
import { interceptionScenarios } from './interception-scenarios.ts';
import { killScenarios } from './kill-scenarios.ts';
import { layerScenarios } from './layer-scenarios.ts';
import { lifetimeScenarios } from './lifetime-scenarios.ts';
import { limitScenarios } from './limit-scenarios.ts';
import { portScenarios } from './port-scenarios.ts';
import { processScenarios } from './process-scenarios.ts';
import { scaleScenarios } from './scale-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { snapshotScenarios } from './snapshot-scenarios.ts';
import { suspendScenarios } from './suspend-scenarios.ts';
import { terminalScenarios } from './terminal-scenarios.ts';
import { watchScenarios } from './watch-scenarios.ts';

export const scenarios: readonly Scenario[] = [
  ...commandScenarios,
  ...controlScenarios,
  ...lifetimeScenarios,
  ...limitScenarios,
  ...killScenarios,
  ...suspendScenarios,
  ...terminalScenarios,
  ...portScenarios,
  ...interceptionScenarios,
  ...processScenarios,
  ...watchScenarios,
  ...copyOnWriteScenarios,
  ...changesScenarios,
  ...layerScenarios,
  ...scaleScenarios,
  ...hostileGuests,
  ...snapshotScenarios,
  ...forkScenarios,
];

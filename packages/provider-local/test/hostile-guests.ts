import { agentAttacks } from './hostile-guests-agent.ts';
import { fileAttacks } from './hostile-guests-files.ts';
import { privilegeAttacks } from './hostile-guests-privilege.ts';
import { resourceAttacks } from './hostile-guests-resources.ts';
import type { Scenario } from './scenario.ts';

/** What hostile guests try, each beside a neighbor that must not notice. The whole list is in `hostile-guests.md`. */
export const hostileGuests: readonly Scenario[] = [
  ...agentAttacks,
  ...privilegeAttacks,
  ...resourceAttacks,
  ...fileAttacks,
];

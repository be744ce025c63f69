import type { BranchView } from '../../../../src/protocol/compare.ts';

/** Whether a script stands in for the model of a branch's agent. */
export function isScripted({ agent }: BranchView): boolean {
  return agent !== undefined && agent.model.vendor === undefined;
}

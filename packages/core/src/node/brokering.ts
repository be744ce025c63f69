/** What an egress proxy shares with manifests and journals: the rules of a network policy, and secrets. */
export { readSecret } from '../manifest/secret-reference.ts';
export {
  networkRuleProblem,
  parseNetworkTarget as parseTarget,
  requestRuleProblem,
} from '../manifest/network-rule.ts';
export type { NetworkTarget } from '../manifest/network-rule.ts';
export { redactor } from '../secrets/redactor.ts';
export type { Redactor } from '../secrets/redactor.ts';
export { secretForms } from '../secrets/secret-forms.ts';

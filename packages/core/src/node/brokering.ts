/** What an egress proxy shares with manifests and journals: the rules of a network policy, and secrets. */
export { secretHeaders, withListener } from '../manifest/secret-headers.ts';
export type { SecretHeaders, SecretTerms } from '../manifest/secret-headers.ts';
export { VendorNetwork } from '../manifest/vendor-network.ts';
export {
  checkSecretRule,
  headerText,
  placeholderOf,
  readSendableSecret,
} from '../manifest/sendable-secret.ts';
export { standInFor } from '../manifest/stand-in.ts';
export {
  networkRuleProblem,
  parseNetworkTarget as parseTarget,
  requestRuleProblem,
} from '../manifest/network-rule.ts';
export type { NetworkTarget } from '../manifest/network-rule.ts';
export { redactor } from '../secrets/redactor.ts';
export type { Redactor } from '../secrets/redactor.ts';
export { secretForms } from '../secrets/secret-forms.ts';

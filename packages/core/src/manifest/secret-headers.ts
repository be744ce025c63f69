import type { Call } from '../contract/call.ts';
import type { CreateRequest } from '../contract/create-request.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { VendorCall } from '../errors/vendor-calls.ts';
import { redactedError } from '../secrets/redacted-error.ts';
import { redactor } from '../secrets/redactor.ts';
import { headerPlaces, headerProblem } from './header-places.ts';
import {
  checkSecretRule,
  headerText,
  placeholderOf,
  readSendableSecret,
} from './sendable-secret.ts';

/** What a sandbox's secrets are to be, and who is told them beside its vendor. */
export type SecretTerms = Pick<CreateRequest, 'network' | 'secrets' | 'secretResolver'> &
  Pick<Call, 'onSecret'>;

/** A request that says who is told its secrets beside the vendor. */
export function withListener<Request extends CreateRequest>(
  request: Request,
  { onSecret }: Pick<Call, 'onSecret'>,
): Request & SecretTerms {
  return onSecret ? { ...request, onSecret } : request;
}

/** What a sandbox's vendor is told of its secrets. */
export interface SecretHeaders {
  /** Host as the allow-list has it -> header -> text. Holds secrets: it goes to the vendor and nowhere else. */
  readonly byHost: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Variable -> what the sandbox has in the secret's place, drawn anew. */
  readonly placeholders: Readonly<Record<string, string>>;
  /** Does what tells the vendor. No error of it repeats a secret, however the vendor puts it. */
  readonly send: VendorCall;
}

/**
 * Looks up what a vendor has to be told that sets headers by itself. Rejects before it is told anything: `unsupported` for a rule
 * that cannot be kept so, `failed-precondition` for a secret that is not there.
 */
export async function secretHeaders({
  network,
  secrets = {},
  secretResolver,
  onSecret,
}: SecretTerms): Promise<SecretHeaders> {
  for (const [name, rule] of Object.entries(secrets)) {
    checkSecretRule(name, rule);
    const problem = headerProblem(name, secrets, network);
    if (problem === undefined) continue;
    const details = { capability: 'secrets' };
    throw new SandboxError('unsupported', `secret ${name}: ${problem}`, { details });
  }
  const read = Object.entries(secrets).map(async ([name, rule]): Promise<[string, string]> => {
    return [name, await readSendableSecret(name, rule, secretResolver, 'secrets', onSecret)];
  });
  const values = Object.fromEntries(await Promise.all(read));
  const byHost: Record<string, Record<string, string>> = {};
  for (const { host, header, name } of headerPlaces(secrets, network)) {
    const text = headerText(header, secrets[name]?.format, values[name] ?? '');
    byHost[host] = { ...byHost[host], [header]: text };
  }
  const placeholders = Object.entries(values).map(
    ([name, value]) => [name, placeholderOf(name, value)] as const,
  );
  return {
    byHost,
    placeholders: Object.fromEntries(placeholders),
    async send(work) {
      try {
        return await work();
      } catch (error) {
        throw redactedError(error, redactor(Object.entries(values)));
      }
    },
  };
}

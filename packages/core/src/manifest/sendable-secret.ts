import type { OnSecret, SecretResolver, SecretRule } from '../contract/secret-rule.ts';
import { SandboxError, type SandboxErrorCode } from '../errors/sandbox-error.ts';
import { readSecret } from './secret-reference.ts';
import { standInFor } from './stand-in.ts';

/** Headers that say where a message goes and where it ends. */
const reserved: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'accept-encoding',
  'range',
  'if-range',
]);

/** Throws `invalid-argument` for a rule that nobody could keep who puts secrets into requests. */
export function checkSecretRule(name: string, rule: SecretRule): void {
  const { hosts, header, query, format } = rule;
  const refuse = (message: string): SandboxError =>
    refused('invalid-argument', `${name}: ${message}`);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw refuse('no name of an environment variable');
  if (hosts.length === 0) throw refuse('names no host that is sent the secret');
  if (header !== undefined && query !== undefined)
    throw refuse('goes into a header or into the query, not both');
  if (
    header !== undefined &&
    (!/^[A-Za-z0-9-]+$/.test(header) || reserved.has(header.toLowerCase()))
  )
    throw refuse(`${header} is no header that can carry a secret`);
  if (query !== undefined && query === '') throw refuse('the parameter of the query is empty');
  if (format !== undefined && (header === undefined || !/^[ -~]*$/.test(format)))
    throw refuse('a format is the visible text of a header');
  if (format !== undefined && format.split('{secret}').length !== 2)
    throw refuse('a format has {secret} in it once');
}

/** A secret as it is now. Rejects with `failed-precondition` when it is not there, or cannot be sent in a header. */
export async function readSendableSecret(
  name: string,
  { from }: SecretRule,
  resolver: SecretResolver | undefined,
  operation: string,
  onSecret?: OnSecret,
): Promise<string> {
  const value = await readSecret(from, resolver, operation, onSecret);
  // Header values are text without controls; one that is not would be refused late, with the value in the error.
  if (/^[ -~]+$/.test(value) && value === value.trim()) return value;
  throw refused(
    'failed-precondition',
    `${name} (${from}) is not of visible ASCII characters and cannot be sent in a header`,
  );
}

/** What a sandbox has in the place of a secret: drawn anew each time. Throws `failed-precondition` for a value that is too short. */
export function placeholderOf(name: string, value: string): string {
  const placeholder = standInFor(value);
  if (placeholder !== undefined) return placeholder;
  throw refused(
    'failed-precondition',
    `${name} has too few letters and digits to be told from ordinary text; a secret needs 8 at least`,
  );
}

/** The text of a header that carries a secret. */
export function headerText(header: string, format: string | undefined, value: string): string {
  const whole = header.toLowerCase() === 'authorization' ? 'Bearer {secret}' : '{secret}';
  return (format ?? whole).replace('{secret}', () => value);
}

function refused(code: SandboxErrorCode, message: string): SandboxError {
  return new SandboxError(code, `secret ${message}`);
}

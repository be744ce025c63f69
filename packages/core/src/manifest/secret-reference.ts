import { readFile } from 'node:fs/promises';
import type { OnSecret, SecretResolver } from '../contract/secret-rule.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { hostError } from './host-error.ts';

/**
 * The value that a secret reference stands for: `env:NAME` of this process, `file:/path` without the line
 * end at its end, else whatever the resolver returns. A value that is not there, or is empty, is
 * `failed-precondition`; the error names the reference and never holds the value. `onSecret` is told it before it is returned.
 */
export async function readSecret(
  reference: string,
  resolver: SecretResolver | undefined,
  operation: string,
  onSecret?: OnSecret,
): Promise<string> {
  const value = await lookUp(reference, resolver, operation);
  if (value !== undefined && value !== '') {
    onSecret?.(reference, value);
    return value;
  }
  throw new SandboxError('failed-precondition', `the secret ${reference} is not known here`, {
    operation,
    details: { reference },
  });
}

/** The resolver, of whose every answer `onSecret` is told: also for a driver that tells nobody. */
export function toldResolver({
  secrets,
  onSecret,
}: {
  readonly secrets?: SecretResolver;
  readonly onSecret?: OnSecret;
}): SecretResolver | undefined {
  if (!secrets || !onSecret) return secrets;
  return async (reference) => {
    const value = await secrets(reference);
    if (value !== undefined && value !== '') onSecret(reference, value);
    return value;
  };
}

async function lookUp(
  reference: string,
  resolver: SecretResolver | undefined,
  operation: string,
): Promise<string | undefined> {
  if (reference.startsWith('env:')) return process.env[reference.slice(4)];
  if (!reference.startsWith('file:')) return resolver?.(reference);
  try {
    return (await readFile(reference.slice(5), 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw hostError(error, operation, `the secret ${reference}`);
  }
}

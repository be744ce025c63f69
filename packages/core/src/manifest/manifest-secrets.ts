import type { Manifest } from '../contract/manifest-types.ts';
import type {
  ExposedSecret,
  OnSecret,
  SecretResolver,
  SecretRule,
} from '../contract/secret-rule.ts';
import { readSecret } from './secret-reference.ts';

/** The secrets of a manifest that the sandbox gets placeholders of; `undefined` where there are none. */
export function brokeredSecrets(
  manifest: Pick<Manifest, 'secrets'> | undefined,
): Readonly<Record<string, SecretRule>> | undefined {
  const found = Object.entries(manifest?.secrets ?? {}).flatMap(
    ([name, secret]): [string, SecretRule][] => (isExposed(secret) ? [] : [[name, secret]]),
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The variables of a manifest that hold a secret itself. */
export function exposedNames(manifest: Pick<Manifest, 'secrets'> | undefined): readonly string[] {
  return Object.entries(manifest?.secrets ?? {}).flatMap(([name, secret]) =>
    isExposed(secret) ? [name] : [],
  );
}

/** The same with their values. Rejects with `failed-precondition`, which names the reference, where one is not known. */
export async function exposedSecrets(
  manifest: Pick<Manifest, 'secrets'> | undefined,
  resolver: SecretResolver | undefined,
  onSecret?: OnSecret,
): Promise<Readonly<Record<string, string>>> {
  const names = exposedNames(manifest);
  const values = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const reference = manifest?.secrets?.[name]?.from ?? '';
      return [name, await readSecret(reference, resolver, 'create', onSecret)];
    }),
  );
  return Object.fromEntries(values);
}

function isExposed(secret: SecretRule | ExposedSecret): secret is ExposedSecret {
  return 'expose' in secret;
}

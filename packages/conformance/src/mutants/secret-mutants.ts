import type { SecretResolver } from '@gantry/core';
import type {
  Call,
  CreateRequest,
  DriverHandle,
  DriverWrapper,
  SandboxDriver,
} from '@gantry/core/driver';
import { onCommand, onCreate } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { throughNaiveProxy } from './naive-proxy.ts';
import { renamed } from './renamed.ts';
import { orIfUnsupported, reshapeProvider } from './reshape-provider.ts';

/** The values of a request's secrets, by variable. */
async function valuesOf({
  secrets = {},
  secretResolver,
}: CreateRequest): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, { from }] of Object.entries(secrets))
    values[name] = (await secretResolver?.(from)) ?? '';
  return values;
}

/** A wrapper that does something more with the secrets of each sandbox that is made. */
function onSecrets(
  more: (
    values: Record<string, string>,
    handle: DriverHandle,
    driver: SandboxDriver,
    call: Call,
  ) => Promise<void>,
): DriverWrapper {
  return (driver) => ({
    ...driver,
    async create(request, call) {
      const handle = await driver.create(request, call);
      await more(await valuesOf(request), handle, driver, call);
      return handle;
    },
  });
}

/** A wrapper under which commands of a sandbox with secrets are changed. */
function onSecretCommand(
  change: (
    values: Record<string, string>,
    env: Readonly<Record<string, string>>,
    argv: readonly string[],
  ) => {
    readonly env?: Readonly<Record<string, string>>;
    readonly argv?: readonly [string, ...string[]];
  },
): DriverWrapper {
  return (driver) => {
    const values = new WeakMap<DriverHandle, Record<string, string>>();
    const noting = onSecrets(async (found, handle) => {
      if (Object.keys(found).length > 0) values.set(handle, found);
      return Promise.resolve();
    })(driver);
    return {
      ...noting,
      spawn(handle, command, call) {
        const found = values.get(handle);
        const changed = found ? change(found, command.env, command.argv) : {};
        return driver.spawn(handle, { ...command, ...changed }, call);
      },
    };
  };
}

function resolving(change: (resolver: SecretResolver) => SecretResolver): DriverWrapper {
  return onCreate((request) =>
    request.secretResolver
      ? { ...request, secretResolver: change(request.secretResolver) }
      : request,
  );
}

export const secretMutants: readonly Mutant[] = [
  {
    name: 'secret-as-itself',
    breaks: 'puts secrets into the environment as they are',
    kills: ['secrets/environment', 'secrets/shape', 'secrets/snapshot'],
    wrap: onSecretCommand((values, env) => ({ env: { ...values, ...env } })),
  },
  {
    name: 'secret-in-a-file',
    breaks: 'leaves secrets in a file of the sandbox, for a helper there',
    kills: ['secrets/files'],
    wrap: onSecrets(async (values, handle, driver, call) => {
      const argv = ['/bin/sh', '-c', 'printf %s "$KEY" > /tmp/.helper'] as const;
      const env = { KEY: Object.values(values).join(' ') };
      const { exit } = await driver.spawn(handle, { argv, cwd: '/', env, stdin: 'none' }, call);
      await exit;
    }),
  },
  {
    name: 'secret-on-command-line',
    breaks: 'hands secrets to a helper on its command line',
    kills: ['secrets/host-processes'],
    wrap: onSecretCommand((values, _env, argv) => ({
      argv: ['/bin/sh', '-c', '"$@" & wait $!', Object.values(values).join(' '), ...argv],
    })),
  },
  {
    name: 'secret-in-the-ref',
    breaks: 'keeps a secret in the ref, to have it at hand later',
    kills: ['secrets/ref', 'secrets/journal'],
    wrap: renamed(({ id }, secret) => (secret ? `${id}:${secret}` : id)),
  },
  {
    name: 'secret-in-the-error',
    breaks: 'says in an error which secret was wrong',
    kills: ['secrets/errors'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) =>
            original.create(options).catch(async (error: unknown) => {
              const value = await Promise.resolve(options?.secrets?.('vault:API_KEY')).catch(
                String,
              );
              if (error instanceof Error) error.message += `: ${value}`;
              throw error;
            }),
        }),
      }),
  },
  {
    name: 'secret-in-the-record',
    breaks: 'records what was sent, secrets and all',
    kills: ['secrets/record'],
    wrap: (driver) => {
      const values = new WeakMap<DriverHandle, Record<string, string>>();
      const noting = onSecrets(async (found, handle) => {
        values.set(handle, found);
        return Promise.resolve();
      })(driver);
      const { network } = driver;
      if (!network?.record) return noting;
      return {
        ...noting,
        network: {
          ...network,
          record: (handle, recorder) =>
            network.record?.(handle, (events) =>
              recorder(events.map((event) => ({ ...event, sent: values.get(handle) }))),
            ),
        },
      };
    },
  },
  {
    name: 'placeholder-for-all',
    breaks: 'gives every sandbox the same placeholder',
    kills: ['secrets/placeholder', 'secrets/shape', 'secrets/neighbour'],
    wrap: onSecretCommand((values, env) => ({
      env: {
        ...Object.fromEntries(Object.keys(values).map((name) => [name, 'placeholder'])),
        ...env,
      },
    })),
  },
  {
    name: 'rules-ignored',
    breaks: 'knows placeholders only',
    kills: ['secrets/header', 'secrets/query', 'secrets/after-connect'],
    wrap: onCreate((request) =>
      request.secrets
        ? {
            ...request,
            secrets: Object.fromEntries(
              Object.entries(request.secrets).map(([name, { from, hosts }]) => [
                name,
                { from, hosts },
              ]),
            ),
          }
        : request,
    ),
  },
  {
    name: 'authority-unknown',
    breaks: 'does not tell programs whom to believe',
    kills: ['secrets/trusted'],
    wrap: onCommand((command) => ({
      ...command,
      env: { SSL_CERT_FILE: '', NODE_EXTRA_CA_CERTS: '', CURL_CA_BUNDLE: '', ...command.env },
    })),
  },
  {
    name: 'secret-kept',
    breaks: 'asks for a secret once',
    kills: ['secrets/rotated', 'secrets/withdrawn'],
    wrap: resolving((resolver) => {
      const known = new Map<string, ReturnType<SecretResolver>>();
      return (from) => {
        if (!known.has(from)) known.set(from, resolver(from));
        return known.get(from);
      };
    }),
  },
  {
    name: 'secret-made-up',
    breaks: 'goes on with something else where a secret is not there',
    kills: ['secrets/missing', 'secrets/withdrawn'],
    wrap: resolving(
      (resolver) => async (from) => (await resolver(from)) ?? `sk-test-${'0'.repeat(48)}`,
    ),
  },
  {
    name: 'secrets-beside-open-network',
    breaks: 'drops the secrets where the network is open',
    kills: ['secrets/open-refused'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => orIfUnsupported(original.create(options), () => original.create()),
        }),
      }),
  },
  {
    name: 'broker-gives-to-anyone',
    breaks: 'puts the secret in wherever something looks like its placeholder',
    kills: [
      'secrets/plaintext',
      'secrets/other-host',
      'secrets/by-address',
      'secrets/other-host-inside',
      'secrets/neighbour',
      'secrets/redirect',
      'secrets/certified',
      'secrets/unlisted',
      'secrets/opaque',
      'secrets/masked',
      'secrets/masked-pieces',
    ],
    wrap: throughNaiveProxy({ open: true, gives: 'anyone' }),
  },
  {
    name: 'broker-shows-and-believes',
    breaks:
      'gives the secret to whoever answers in the name of a listed host, and shows what comes back',
    kills: ['secrets/certified', 'secrets/masked', 'secrets/masked-pieces'],
    wrap: throughNaiveProxy({ gives: 'listed' }),
  },
];

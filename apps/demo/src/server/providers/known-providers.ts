import type { Provider } from '@gantry/core';
import type { Emulator, Vendor } from '@gantry/emulators';

/** What an account with the vendor is known by, and the ways to be led to it. */
interface Account {
  /** Each of these sets of environment variables is enough. */
  readonly keys: readonly (readonly string[])[];
  readonly vendor: string;
}

/** One provider that this app can use. */
export interface KnownProvider {
  readonly id: string;
  readonly package: string;
  /** One line for people. */
  readonly summary: string;
  /** Absent: no account is needed. */
  readonly account?: Account;
  /** Of this machine, or of the account that the environment names. Loads the vendor's SDK, so not before it is needed. */
  readonly open: () => Promise<Provider>;
  /** The same provider led to an emulator, and the vendor's part of that. Absent: there is none. */
  readonly emulation?: {
    readonly vendor: () => Promise<Vendor>;
    readonly connect: (emulator: Emulator) => Promise<Provider>;
  };
}

/** Every provider that this app can use, in the order in which it shows them. */
export const knownProviders: readonly KnownProvider[] = [
  {
    id: 'local',
    package: '@gantry/provider-local',
    summary: 'This Linux machine, by its own namespaces, without a daemon',
    open: async () => (await import('@gantry/provider-local')).local(),
  },
  {
    id: 'docker',
    package: '@gantry/provider-docker',
    summary: 'Hardened containers of a Docker daemon',
    open: async () => (await import('@gantry/provider-docker')).docker(),
  },
  {
    id: 'e2b',
    package: '@gantry/provider-e2b',
    summary: 'MicroVMs of an E2B account',
    account: { vendor: 'E2B', keys: [['E2B_API_KEY']] },
    open: async () => (await import('@gantry/provider-e2b')).e2b(),
    emulation: {
      vendor: async () => (await import('@gantry/emulators/e2b')).e2b,
      connect: async ({ key, url }) =>
        (await import('@gantry/provider-e2b')).e2b({ apiKey: key, apiUrl: url, sandboxUrl: url }),
    },
  },
  {
    id: 'daytona',
    package: '@gantry/provider-daytona',
    summary: 'Containers or virtual machines of a Daytona account',
    account: { vendor: 'Daytona', keys: [['DAYTONA_API_KEY']] },
    open: async () => (await import('@gantry/provider-daytona')).daytona(),
    emulation: {
      vendor: async () => (await import('@gantry/emulators/daytona')).daytona,
      connect: async ({ key, environment }) => {
        const { DAYTONA_API_URL: apiUrl = '', DAYTONA_TARGET: target = '' } = environment;
        const { daytona } = await import('@gantry/provider-daytona');
        return daytona({ apiKey: key, apiUrl, target });
      },
    },
  },
  {
    id: 'vercel',
    package: '@gantry/provider-vercel',
    summary: 'MicroVMs of a Vercel project',
    account: {
      vendor: 'Vercel',
      keys: [['VERCEL_TOKEN', 'VERCEL_TEAM_ID', 'VERCEL_PROJECT_ID'], ['VERCEL_OIDC_TOKEN']],
    },
    open: async () => (await import('@gantry/provider-vercel')).vercel(),
    emulation: {
      vendor: async () => (await import('@gantry/emulators/vercel')).vercel,
      connect: async ({ key, environment }) => {
        const { VERCEL_SANDBOX_API_URL: apiUrl = '' } = environment;
        const { VERCEL_TEAM_ID: teamId = '', VERCEL_PROJECT_ID: projectId = '' } = environment;
        const { vercel } = await import('@gantry/provider-vercel');
        return vercel({ token: key, teamId, projectId, apiUrl });
      },
    },
  },
];

/** Whether the environment names an account of the provider's vendor; true where none is needed. */
export function hasAccount({ account }: KnownProvider): boolean {
  return account?.keys.some((names) => names.every((name) => process.env[name])) ?? true;
}

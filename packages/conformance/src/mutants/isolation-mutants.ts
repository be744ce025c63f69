import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onCommand, onCreate } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

export const isolationMutants: readonly Mutant[] = [
  {
    name: 'descriptor-left-open',
    breaks: 'leaves a directory open in every command it starts (CVE-2024-21626)',
    kills: ['isolation/descriptors'],
    wrap: onCommand((command) => ({
      ...command,
      argv: ['/bin/sh', '-c', 'exec 7</; exec "$@"', 'sh', ...command.argv],
    })),
  },
  {
    name: 'service-token-mounted',
    breaks: 'puts a service token where every command can read it',
    kills: ['isolation/host-sockets'],
    wrap: onCommand((command) => ({
      ...command,
      argv: [
        '/bin/sh',
        '-c',
        'mkdir -p /run/secrets; echo token > /run/secrets/token; exec "$@"',
        'sh',
        ...command.argv,
      ],
    })),
  },
  {
    name: 'env-on-the-command-line',
    breaks: 'passes variables as arguments of a program that stays',
    kills: ['isolation/secrets-on-host'],
    wrap: onCommand((command) => {
      const settings = Object.entries(command.env).map(([name, value]) => `${name}=${value}`);
      if (settings.length === 0) return command;
      return {
        ...command,
        argv: ['/bin/sh', '-c', 'env "$@"; exit $?', 'sh', ...settings, ...command.argv],
      };
    }),
  },
  {
    name: 'collect-follows-links',
    breaks: 'follows links of the guest on the host when it collects (kubectl cp, CVE-2019-11246)',
    kills: ['isolation/collected-links'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          async collect(destination) {
            const { target } = await sandbox.files.stat('out/link');
            await mkdir(destination, { recursive: true });
            await writeFile(
              path.join(destination, 'link'),
              await readFile(new TextDecoder().decode(target)),
            );
            return { spec: 'gantry-collect/1', destination, entries: [], missing: [] };
          },
        }),
      }),
  },
  {
    name: 'root-swapped',
    breaks: 'makes the root that was not asked for',
    kills: ['root/modes', 'root/copy-on-write'],
    wrap: onCreate((request) => ({
      ...request,
      root: request.root === 'read-only' ? 'copy-on-write' : 'read-only',
    })),
  },
  {
    name: 'limits-claimed',
    breaks: 'accepts limits and does not hold them',
    kills: [
      'isolation/process-limit',
      'isolation/memory-limit',
      'isolation/disk-limit',
      'resources/hold',
    ],
    wrap: (driver) => ({
      ...driver,
      traits: {
        ...driver.traits,
        limits: { memory: 'enforced', pids: 'enforced', cpu: 'enforced', disk: 'enforced' },
      },
      resources: { settable: ['cpus', 'memoryBytes', 'pids', 'diskBytes'] },
      create(request, call) {
        const { resources: _dropped, ...rest } = request;
        return driver.create(rest, call);
      },
    }),
  },
];

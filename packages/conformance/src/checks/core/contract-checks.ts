import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SandboxError } from '@gantry/core';
import type { SandboxDriver } from '@gantry/core/driver';
import { must, type Check } from '../../check.ts';

export const contractChecks: readonly Check[] = [
  must(
    'core/driver-plain',
    'driver-plain',
    'a driver and its capabilities are plain objects, and others are refused',
    async (t) => {
      let seen: SandboxDriver | undefined;
      t.provider.wrap((driver) => {
        seen = driver;
        return driver;
      });
      const driver = t.present(seen, 'the driver was not handed to the wrapper');
      const parts: readonly [string, unknown][] = [
        ['the driver', driver],
        ...Object.entries(driver),
      ];
      for (const [name, part] of parts) {
        if (typeof part !== 'object' || part === null) continue;
        const prototype: unknown = Object.getPrototypeOf(part);
        t.ok(prototype === Object.prototype || prototype === null, `${name} is no plain object`);
      }
      const instances: readonly ((driver: SandboxDriver) => SandboxDriver)[] = [
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy through a prototype
        (plain) => Object.create(plain) as SandboxDriver,
        (plain) => ({ ...plain, users: new Date() }),
      ];
      for (const instance of instances) {
        let error: unknown;
        try {
          t.provider.wrap(instance);
        } catch (thrown) {
          error = thrown;
        }
        const refused = SandboxError.is(error) && error.code === 'invalid-argument';
        t.ok(refused, 'an instance of a class was taken for a driver or a capability');
      }
    },
  ),
  must(
    'core/manifest-git-addresses',
    'manifest-git-safe',
    'git addresses other than https and ssh are refused, and start nothing on the host',
    async (t) => {
      const { provider, counts } = t.counted();
      const ran = path.join(tmpdir(), t.word('ran'));
      for (const url of [
        `ext::sh -c "touch ${ran}"`,
        `ext::touch% ${ran}`,
        'file:///etc',
        '/etc',
        'http://gantry.invalid/repository.git',
        'git://gantry.invalid/repository.git',
        `ssh://-oProxyCommand=touch%20${encodeURIComponent(ran)}/repository`,
        `-u${ran}`,
        'https://user:password@gantry.invalid/repository.git',
      ]) {
        const entries = { source: { type: 'git', url } } as const;
        const create = (): Promise<unknown> =>
          t.create({ manifest: { spec: 'gantry-manifest/1', entries } }, provider);
        await t.rejects('invalid-argument', create, `a git entry from ${url}`);
      }
      t.equal(existsSync(ran), false, 'whether a program ran on the host');
      t.equal(counts.byOperation.get('create') ?? 0, 0, 'sandboxes made');
    },
  ),
];

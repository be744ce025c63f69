import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { defineProvider } from '../../src/driver.ts';
import { directoryStore } from '../../src/node.ts';
import { encryptedStore, memoryStore } from '../../src/snapshot.ts';
import { hostDriver } from '../host-driver.ts';
import { busyboxTools } from '../tool-sets.ts';

for (const tools of ['gnu', 'busybox'] as const) {
  for (const kind of ['memory', 'encrypted', 'directory'] as const) {
    test(`${tools} ${kind}`, async () => {
      const busybox = tools === 'busybox' ? busyboxTools() : undefined;
      const provider = defineProvider(
        hostDriver(busybox ? { toolDirectory: busybox.directory } : {}),
      );
      const folder = mkdtempSync(path.join(tmpdir(), 'gantry-store-'));
      const store =
        kind === 'memory'
          ? memoryStore()
          : kind === 'encrypted'
            ? encryptedStore(memoryStore(), { key: new Uint8Array(32).fill(7) })
            : directoryStore(folder);
      await using sandbox = await provider.create();
      const script = String.raw`mkdir -p a/b empty; echo hi > a/b/x; ln a/b/x a/y; ln -s /nowhere l; ln -s a/b/x m; : > zero; printf 'a\nb' > 'n
l'; chmod 750 a; chmod 000 empty; mkfifo f; head -c 3000000 /dev/urandom > big; touch -d @1000 a/b/x; chmod 4755 zero`;
      expect((await sandbox.exec(script)).stderr.text).toBe('');
      const first = await sandbox.snapshot(store);
      console.log(first);
      await using again = await provider.rehydrate(first, store, {
        verify: true,
        keepSpecialModes: true,
      });
      console.log(again.origin);
      const second = await again.snapshot(store, { parent: first });
      expect(second.tree).toBe(first.tree);
      console.log(second.work, second.evidence);
      await sandbox.exec('sleep 1.1');
      const third = await sandbox.snapshot(store, { parent: first });
      await sandbox.exec('echo more >> a/y; rm m; rm -r empty; echo f > empty; sleep 1.1');
      const fourth = await sandbox.snapshot(store, { parent: third });
      console.log(fourth);
      const full = await sandbox.snapshot(store, { evidence: 'bytes' });
      expect(fourth.tree).toBe(full.tree);
      expect(fourth.contents).toEqual(full.contents);
      rmSync(folder, { recursive: true });
      console.log(execFileSync('ls', ['-la', sandbox.ref.id ? '/tmp' : '/']).length);
    });
  }
}

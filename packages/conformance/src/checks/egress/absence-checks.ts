import path from 'node:path';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import { SandboxError } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import { Guest } from './guest.ts';
import {
  brokered,
  canary,
  inHeader,
  needsPlaceholder,
  secretSetting,
  withSecret,
} from './secret-setting.ts';
import { everything, formsOf, turned, used, withDirectory, without } from './secret-traces.ts';

const needs = { capability: 'secrets' } as const;

export const absenceChecks: readonly Check[] = [
  must(
    'secrets/environment',
    'secret-absent',
    'no process of the sandbox has a secret in its environment or on its command line',
    async (t) => {
      const setting = await secretSetting(t);
      await used(t, setting);
      const line =
        'env; for p in /proc/[0-9]*; do tr "\\0" "\\n" < "$p/environ"; tr "\\0" " " < "$p/cmdline"; done 2>/dev/null; cat /proc/mounts; true';
      const text = t.succeeded(await setting.guest.sandbox.exec(line), 'a look at the processes');
      without(t, setting, text, 'the environment');
      for (const name of setting.names) {
        const mine = setting.placeholder(name);
        t.ok(mine !== '' && text.includes(mine), `what is in the place of ${name} is not found`);
      }
    },
    { needs },
  ),
  must(
    'secrets/files',
    'secret-absent',
    'no file of the sandbox holds a secret',
    async (t) => {
      const setting = await secretSetting(t);
      await used(t, setting);
      const { sandbox } = setting.guest;
      const own = t.word('planted');
      await sandbox.files.write('/workspace/planted', own);
      // Turned by 13 letters on the way, so that what brings them into the sandbox does not have them.
      const sought = [own, ...Object.values(setting.values).flatMap(formsOf)].map(turned);
      const stdin = `${sought.join('\n')}\n`;
      const line =
        'tr A-Za-z N-ZA-Mn-za-m > /tmp/.looked-for; for d in /workspace /tmp /run /etc /var /home /root /dev/shm /opt /srv; do grep -rlF -f /tmp/.looked-for "$d" 2>/dev/null; done; rm -f /tmp/.looked-for; true';
      const found = await sandbox.exec(line, { stdin, timeoutMs: t.limits.check });
      t.equal(
        found.stdout.text.split('\n').filter((name) => name !== '' && name !== '/tmp/.looked-for'),
        ['/workspace/planted'],
        'files that hold one, and the one that was planted',
      );
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'secrets/shape',
    'secret-placeholder',
    'a placeholder has the length and the shape of its secret, and nothing of it',
    async (t) => {
      const { values, names, placeholder } = await secretSetting(t);
      const shape = (text: string): string =>
        text.replaceAll(/[a-z]/g, 'a').replaceAll(/[A-Z]/g, 'A').replaceAll(/\d/g, 'a');
      for (const name of names) {
        const [mine, value] = [placeholder(name), values[name]];
        t.equal(mine.length, value.length, 'length');
        t.equal(shape(mine), shape(value), 'shape');
        t.ok(mine !== value, 'the placeholder is the secret');
        // Of 48 random digits two texts have a run of 12 in common once in a very long time.
        const runs = Array.from({ length: 37 }, (_, at) => value.slice(-48).slice(at, at + 12));
        t.equal(
          runs.filter((run) => mine.includes(run)),
          [],
          'parts of the secret',
        );
      }
    },
    { needs },
  ),
  must(
    'secrets/ref',
    'secret-absent',
    'no ref, receipt, label or answer about the sandbox has a secret in it',
    async (t) => {
      const setting = await secretSetting(t);
      await used(t, setting);
      const { sandbox } = setting.guest;
      const info = await t.provider.inspect(sandbox.ref);
      const said = [sandbox.ref, sandbox.receipt, sandbox.origin, sandbox.capabilities, info];
      without(t, setting, JSON.stringify(said), 'what is said of the sandbox');
      if (!t.capabilities.inventory) return;
      const listed = await Array.fromAsync(t.provider.list({ labels: t.state.labels }));
      without(t, setting, JSON.stringify(listed), 'the inventory');
    },
    { needs },
  ),
  must(
    'secrets/snapshot',
    'secret-absent',
    'a snapshot has no secret in it, as one is refused that would',
    async (t) => {
      const value = canary();
      const { guest, placeholder } = await withSecret(t, () => value);
      const { sandbox } = guest;
      t.succeeded(
        await sandbox.exec('env > env; cp -r /tmp/.gantry* . 2>/dev/null; true'),
        'copies',
      );
      await withDirectory(async (directory) => {
        const store = directoryStore(path.join(directory, 'store'));
        const taken = await sandbox.snapshot(store, { secrets: [value] });
        const text = (await everything(directory)) + JSON.stringify(taken);
        t.equal(
          formsOf(value).filter((form) => text.includes(form)),
          [],
          'forms of the secret',
        );
        t.ok(taken.id.length > 0 && placeholder !== '', 'there is no snapshot');
        await sandbox.files.write('planted', `x${value}`);
        const work = (): Promise<unknown> => sandbox.snapshot(store, { secrets: [value] });
        await t.rejects('failed-precondition', work, 'a snapshot of a file with the secret');
      });
    },
    { needs },
  ),
  must(
    'secrets/journal',
    'secret-absent',
    "a durable run's journal has no secret in it that the run's sandbox has sent",
    async (t) => {
      const { egress } = await secretSetting(t);
      const value = canary();
      const word = t.word('journal');
      const variable = t.word('GANTRY_SECRET').replaceAll('-', '_');
      const rule = { ...inHeader(t), from: `env:${variable}` } as const;
      const own = brokered(egress, { API_KEY: rule });
      const manifest = { spec: 'gantry-manifest/1', ...own } as const;
      process.env[variable] = value;
      await withDirectory(async (directory) => {
        const journal = sqliteJournal(path.join(directory, 'journal'));
        const harness = createHarness({ journal, providers: { subject: t.provider } });
        const labels = t.state.labels;
        const sandbox = { manifest, labels };
        const { run: id } = await harness.run(
          'secrets',
          { sandbox, checkpoint: 'on-demand' },
          (run) =>
            run.step('send', async () => {
              const guest = await Guest.in(t, await t.provider.connect(await run.sandbox.ref()));
              const mine = guest.env.get('API_KEY') ?? '';
              const parts = { headers: { 'x-key': mine } };
              await guest.request(egress.url('https', 'api', `/${word}?key=${mine}`), parts);
              return guest.env.size;
            }),
        );
        const sent = egress.arrived(word).map(({ headers }) => headers['x-key']);
        t.equal(sent, [value], 'what the run has sent');
        const events = JSON.stringify(await Array.fromAsync(harness.events(id)));
        await journal.close();
        const text = events + (await everything(directory));
        t.ok(text.includes('sandbox.created'), 'the journal has nothing in it');
        t.equal(
          formsOf(value).filter((form) => text.includes(form)),
          [],
          'forms of the secret',
        );
      }).finally(() => delete process.env[variable]);
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'secrets/host-processes',
    'secret-absent',
    'no command line of the host shows a secret',
    async (t) => {
      const setting = await secretSetting(t);
      await using running = await setting.guest.sandbox.spawn('echo on; exec sleep 30');
      await t.promptly(t.limits.command, running.stdout.getReader().read(), 'output');
      await used(t, setting);
      for (const [name, value] of Object.entries(setting.values))
        t.equal((await t.hostProcesses(value)) ?? [], [], `processes that show ${name}`);
    },
    { needs },
  ),
  must(
    'secrets/errors',
    'secret-absent',
    'an error about a secret does not have it',
    async (t) => {
      const { egress } = await secretSetting(t);
      const value = canary();
      const wrong = [{ hosts: ['no host'] }, { header: 'no header\n' }, { hosts: [] }];
      for (const rule of wrong) {
        const own = brokered(egress, { API_KEY: rule });
        const manifest = { spec: 'gantry-manifest/1', ...own } as const;
        const create = (): Promise<unknown> => t.create({ manifest, secrets: () => value });
        const error = await t.rejects(['invalid-argument', 'unsupported'], create, 'a wrong rule');
        const text = `${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`;
        t.ok(!text.includes(value), 'the error has the secret in it');
      }
      const fails = (): Promise<unknown> =>
        withSecret(t, () => {
          throw new Error('the vault is closed');
        });
      const made = await fails().then(
        () => true,
        (error: unknown) => !SandboxError.is(error),
      );
      t.equal(
        made,
        false,
        'whether a sandbox was made, or something else than an error of ours thrown',
      );
    },
    { needs },
  ),
  must(
    'secrets/record',
    'secret-recorded',
    'the record says which secrets were sent, by name, and never what they are',
    async (t) => {
      const value = canary();
      const { egress, guest, placeholder } = await withSecret(t, () => value);
      let text = '';
      guest.sandbox.recordNetwork(async (events) => {
        text += JSON.stringify(events);
        return Promise.resolve();
      });
      const parts = { headers: { 'x-key': placeholder } };
      await guest.request(egress.url('https', 'api', `/${value}?key=${placeholder}`), parts);
      await t.eventually(t.limits.settle, () => text.includes('"end"'), 'the record');
      t.ok(text.includes('"API_KEY"'), `the record does not name the secret: ${text}`);
      const forms = formsOf(value).filter((form) => text.includes(form));
      t.equal(forms.length, 0, 'forms of the secret in the record');
    },
    { needs: { ...needsPlaceholder, network: 'recorded' } },
  ),
];

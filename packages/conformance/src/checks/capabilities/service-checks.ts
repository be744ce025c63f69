import { must, type Check } from '../../check.ts';
import { undeclared } from './undeclared.ts';

/** Programs that can serve one file over HTTP, in the order of preference. */
const server =
  'cd "$1"; if command -v busybox >/dev/null && busybox --list 2>/dev/null | grep -qx httpd; then exec busybox httpd -f -p "$2" -h .; elif command -v python3 >/dev/null; then exec python3 -m http.server "$2"; elif command -v perl >/dev/null; then exec perl -MIO::Socket::INET -e \'$s=IO::Socket::INET->new(LocalPort=>$ARGV[0],Listen=>5,ReuseAddr=>1) or die; while($c=$s->accept){while(<$c>){last if /^\\r?\\n$/} open F,"<","index.html"; local $/; $b=<F>; print $c "HTTP/1.0 200 OK\\r\\nContent-Length: ".length($b)."\\r\\n\\r\\n$b"; close $c}\' "$2"; else exit 99; fi';

export const serviceChecks: readonly Check[] = [
  undeclared('ports', 'ports', (sandbox) => sandbox.expose(8080)),
  must(
    'ports/reaches',
    'ports-stream',
    'an exposed port answers with what the sandbox serves',
    async (t) => {
      const port = 20_000 + Math.floor(Math.random() * 20_000);
      const sandbox = await t.create({ manifest: { spec: 'gantry-manifest/1', ports: [port] } });
      const word = t.word();
      await sandbox.files.write('www/index.html', word);
      await using serving = await sandbox.spawn(['sh', '-c', server, 'sh', 'www', String(port)]);
      const gaveUp = serving.exit.then(
        (exit) => exit.code === 99,
        () => false,
      );
      const first = await Promise.race([
        gaveUp,
        new Promise((resolve) => setTimeout(() => resolve(false), t.limits.quiet)),
      ]);
      if (first === true)
        t.untestable('the sandbox has no busybox httpd, python3 or perl to serve with');
      const { url, headers } = await sandbox.expose(port);
      let text = '';
      await t.eventually(
        t.limits.command,
        async () => {
          text = await fetch(`${url}/index.html`, {
            headers,
            signal: AbortSignal.timeout(2_000),
          }).then(
            (response) => response.text(),
            () => '',
          );
          return text === word;
        },
        'the answer of the server in the sandbox',
      );
      t.equal(text, word, 'what it served');
      for (const bad of [0, 65_536, 1.5])
        await t.rejects('invalid-argument', () => sandbox.expose(bad), `expose(${bad})`);
    },
    { needs: { capability: 'ports' } },
  ),
  undeclared('watch', 'watch', async (sandbox) => {
    for await (const _event of sandbox.files.watch('.')) break;
  }),
  must(
    'watch/events',
    'watch-tells',
    'a watch tells what was created, changed and removed, and ends when told',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('watched/old', 'x');
      const control = new AbortController();
      const seen = new Set<string>();
      const watching = (async () => {
        for await (const { kind, path } of sandbox.files.watch('watched', {
          signal: control.signal,
        }))
          seen.add(`${kind} ${path?.split('/').at(-1) ?? ''}`);
      })();
      watching.catch(() => undefined);
      const settle = (): Promise<void> =>
        new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
      await settle();
      await sandbox.exec('echo 1 > watched/new');
      await settle();
      await sandbox.exec('echo 2 >> watched/old');
      await settle();
      await sandbox.exec('rm watched/old');
      await t.eventually(
        t.limits.command,
        () => seen.has('removed old'),
        `the removal being told, beside ${[...seen].join(', ')}`,
      );
      t.ok(
        [...seen].some((event) => event.endsWith(' new')),
        'the new file was not told of',
      );
      t.ok(seen.has('changed old'), 'the change was not told of');
      control.abort();
      await t.promptly(t.limits.prompt, Promise.allSettled([watching]), 'the end of the watch');
    },
    { needs: { capability: 'watch' } },
  ),
  undeclared('lifetime', 'lifetime', (sandbox) => sandbox.extendLifetime(Date.now() + 60_000)),
  must(
    'lifetime/extends',
    'lifetime-extend',
    'a lifetime that was extended holds',
    async (t) => {
      const sandbox = await t.create({ maxLifetimeMs: 2_500 });
      const asked = Date.now() + 120_000;
      const holds = await sandbox.extendLifetime(asked);
      t.ok(
        Math.abs(holds - asked) < 5_000,
        `the time that holds is ${holds - asked} ms from what was asked for`,
      );
      await new Promise((resolve) => setTimeout(resolve, 3_500));
      t.equal(
        (await t.provider.inspect(sandbox.ref)).state,
        'running',
        'state after the first end',
      );
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
      const { expiresAt } = await t.provider.inspect(sandbox.ref);
      if (expiresAt !== undefined)
        t.ok(Math.abs(expiresAt - holds) < 5_000, 'inspect tells another end');
    },
    { needs: { capability: 'lifetime' } },
  ),
  undeclared('inventory', 'inventory', async (_sandbox, provider) => {
    for await (const _summary of provider.list()) break;
  }),
  must(
    'inventory/labels',
    'labels-kept',
    'the inventory has every sandbox with all labels, and no other',
    async (t) => {
      const group = t.word('group');
      const odd = 'va lue/with: "odd" ünï';
      const made = await Promise.all(
        ['a', 'b', 'c'].map((name) => t.create({ labels: { group, name, odd } })),
      );
      await t.create({ labels: { group: `${group}x`, name: 'a' } });
      const listed = async (
        labels: Record<string, string>,
      ): Promise<Map<string, Readonly<Record<string, string>>>> => {
        const found = new Map<string, Readonly<Record<string, string>>>();
        for await (const summary of t.provider.list({ labels })) {
          t.ok(!found.has(summary.ref.id), 'a sandbox is listed twice');
          found.set(summary.ref.id, summary.labels);
        }
        return found;
      };
      const all = await listed({ group });
      t.equal(
        [...all.keys()].toSorted(),
        made.map(({ ref }) => ref.id).toSorted(),
        'sandboxes with the label',
      );
      t.equal(
        [...all.values()].map(({ odd: kept }) => kept),
        [odd, odd, odd],
        'an odd value',
      );
      t.equal(
        [...(await listed({ group, name: 'b' })).keys()],
        [made[1]?.ref.id],
        'sandboxes with both labels',
      );
      t.equal(
        (await listed({ group, name: 'none' })).size,
        0,
        'sandboxes with a label that none has',
      );
      await made[0]?.destroy();
      t.equal((await listed({ group })).size, 2, 'sandboxes after one was destroyed');
    },
    { needs: { capability: 'inventory' } },
  ),
  must(
    'inventory/states',
    'inventory-own',
    'a listed sandbox has a state, a time and a ref that works',
    async (t) => {
      const group = t.word('group');
      const before = Date.now();
      const sandbox = await t.create({ labels: { group } });
      for await (const summary of t.provider.list({ labels: { group } })) {
        t.equal([summary.ref, summary.state], [sandbox.ref, 'running'], 'ref and state');
        t.ok(
          summary.createdAt >= before - 60_000 && summary.createdAt <= Date.now() + 60_000,
          'createdAt is not now',
        );
        const again = await t.provider.connect(summary.ref);
        t.equal(
          (await again.exec('echo listed')).stdout.text,
          'listed\n',
          'a command by the listed ref',
        );
        await again.release();
      }
      t.ok(t.count >= 3, 'the sandbox is not listed');
    },
    { needs: { capability: 'inventory' } },
  ),
  must(
    'inventory/other-process',
    'inventory-own',
    'another process lists the same sandboxes',
    async (t) => {
      const group = t.word('group');
      const sandbox = await t.create({ labels: { group } });
      const answer = await t.otherProcess({ do: 'list', labels: { group } });
      t.equal(answer.ids, [sandbox.ref.id], 'sandboxes as another process sees them');
    },
    { needs: { capability: 'inventory', otherProcess: true } },
  ),
  undeclared('processes', 'processes', (sandbox) => sandbox.processes()),
  must(
    'processes/lists',
    'processes-list',
    'running processes are listed, ended ones are not',
    async (t) => {
      const sandbox = await t.create();
      const word = t.word('listed');
      await using process = await sandbox.spawn(['sh', '-c', 'while :; do sleep 1; done', word]);
      const listed = async (): Promise<boolean> =>
        (await sandbox.processes()).some(({ command }) => command.includes(word));
      await t.eventually(t.limits.prompt, listed, 'the process being listed');
      t.ok(
        (await sandbox.processes()).every(({ id }) => id.length > 0),
        'a process has no id',
      );
      await process.kill('SIGKILL');
      await t.eventually(
        t.limits.prompt,
        async () => !(await listed()),
        'the process being gone from the list',
      );
    },
    { needs: { capability: 'processes' } },
  ),
  undeclared('metrics', 'metrics', (sandbox) => sandbox.metrics()),
  must(
    'metrics/sane',
    'metrics-sane',
    'figures are numbers of this sandbox, and move with it',
    async (t) => {
      const sandbox = await t.create();
      const before = await sandbox.metrics();
      const figures = Object.entries(before).filter(([, value]) => value !== undefined);
      t.ok(figures.length > 0, 'no figure is known at all');
      for (const [name, value] of figures)
        t.ok(
          typeof value === 'number' && value >= 0 && Number.isFinite(value),
          `${name} is ${String(value)}`,
        );
      await using _busy = await sandbox.spawn('sleep 30 & sleep 30 & sleep 30 & sleep 30 & wait');
      if (before.pids !== undefined) {
        const { pids: least } = before;
        await t.eventually(
          t.limits.prompt,
          async () => ((await sandbox.metrics()).pids ?? 0) >= least + 4,
          'four more processes in pids',
        );
      }
    },
    { needs: { capability: 'metrics' } },
  ),
];

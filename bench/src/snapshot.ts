import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Evidence, Provider, Sandbox, Snapshot } from '@gantry/core';
import { directoryStore } from '@gantry/core/node';
import { local } from '@gantry/provider-local';
import { commitRows, dockerCommits } from './measure/docker-commits.ts';
import { makeLargeFiles, makeSmallFiles } from './measure/sample-trees.ts';
import { spawnAwaited } from './measure/spawn-baseline.ts';
import { quantile } from './measure/samples.ts';
import { report, type Row } from './measure/report.ts';

// How long snapshots take, as ratios of what plain tools take for the same tree in the same run:
// `npm run bench -- snapshot [ROUNDS] [small|large|forks|peers|docker …]`. SNAPSHOT_BENCH_DIRECTORY says where; best in memory.
// `docker` is measured where it is asked for: it needs a daemon (measure/docker-baseline.ts).

const rounds = Number(process.argv[2] ?? 5);
const parts = new Set(
  process.argv.length > 3 ? process.argv.slice(3) : ['small', 'large', 'forks', 'peers'],
);
const base = mkdtempSync(
  path.join(process.env['SNAPSHOT_BENCH_DIRECTORY'] ?? tmpdir(), 'gantry-bench-'),
);
const stateDirectory = path.join(base, 'state');
const samples = new Map<string, number[]>();
const targets = new Map<string, { readonly of: string; readonly target: number }>();

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const shell = (script: string): Promise<void> => spawnAwaited('/bin/sh', ['-c', script]);

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await work();
  const milliseconds = performance.now() - begin;
  samples.set(name, [...(samples.get(name) ?? []), milliseconds]);
}

function target(name: string, of: string, ratio: number): void {
  targets.set(name, { of, target: ratio });
}

/** Where the provider keeps a workspace: only to fill it as fast as the machine can. */
const workspaceOf = (sandbox: Sandbox): string =>
  path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');

async function fill(sandbox: Sandbox, tree: string): Promise<void> {
  const place = workspaceOf(sandbox);
  await shell(
    `owner=$(stat -c %u:%g ${place}); cp -a ${tree}/. ${place}/ && chown -R $owner ${place}/`,
  );
}

async function fullAndBack(label: string, provider: Provider, tree: string): Promise<void> {
  await using sandbox = await provider.create();
  await fill(sandbox, tree);
  const place = workspaceOf(sandbox);
  const [archive, out] = [path.join(base, 'tree.tar.zst'), path.join(base, 'out')];
  const [packed, unpacked] = [`${label}: tar | zstd -1 -T2`, `${label}: zstd -d | tar x`];
  for (let round = 0; round < rounds; round += 1) {
    const store = directoryStore(path.join(base, `store-${label}-${round}`));
    await measure(packed, () => shell(`tar -C ${place} -cf - . | zstd -q -1 -T2 -f -o ${archive}`));
    let snapshot: Snapshot | undefined;
    await measure(`${label}: full capture`, async () => {
      snapshot = await sandbox.snapshot(store);
    });
    mkdirSync(out);
    await measure(unpacked, () => shell(`zstd -q -d -c ${archive} | tar -C ${out} -xf -`));
    rmSync(out, { recursive: true });
    let back: Sandbox | undefined;
    await measure(`${label}: full rehydrate`, async () => {
      if (snapshot) back = await provider.rehydrate(snapshot, store);
    });
    await back?.destroy();
    rmSync(path.join(base, `store-${label}-${round}`), { recursive: true });
  }
  target(`${label}: full capture`, packed, 2);
  target(`${label}: full rehydrate`, unpacked, 1.5);
}

/** After a change of 1 % of the files, in a workspace of its own or (`layered`) in a fork. */
async function incremental(
  name: string,
  provider: Provider,
  tree: string,
  how: { readonly ratio: number; readonly evidence?: Evidence; readonly layered?: boolean },
): Promise<void> {
  await using source = await provider.create();
  await fill(source, tree);
  const place = workspaceOf(source);
  await using fork = how.layered ? await forkOf(source) : undefined;
  const sandbox = fork ?? source;
  const folder = path.join(base, 'store-incremental');
  const store = directoryStore(folder);
  const options = how.evidence === undefined ? {} : { evidence: how.evidence };
  const plain = `tar of everything, beside ${name}`;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  let last = await sandbox.snapshot(store, options);
  for (let round = 0; round < rounds; round += 1) {
    await measure(plain, () => shell(`tar -C ${place} -cf ${base}/plain.tar .`));
    await sandbox.exec(`for part in group-*/part-*; do echo ${round} >> $part/file-7.ts; done`);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await measure(name, async () => {
      const taken = await sandbox.snapshot(store, { ...options, parent: last });
      last = taken;
      if (round > 0) return;
      const { work } = taken;
      print(
        `${name}: evidence ${taken.evidence}, ${work.filesRead} files, ${work.bytesRead} bytes read, ` +
          `${work.bytesStored} stored, ${work.metadataBytes} of metadata`,
      );
    });
  }
  target(name, plain, how.ratio);
  rmSync(folder, { recursive: true });
}

async function forkOf(source: Sandbox): Promise<Sandbox> {
  const [first] = await source.fork(1);
  if (first?.status !== 'fulfilled') throw first?.reason;
  return first.value;
}

/** A root file system in which every tool is busybox's. */
function busyboxRoot(): string {
  const root = path.join(base, 'busybox-root');
  mkdirSync(path.join(root, 'bin'), { recursive: true });
  execFileSync('cp', ['/bin/busybox', path.join(root, 'bin', 'busybox')]);
  for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n')) {
    const file = path.join(root, 'bin', applet);
    if (applet !== '' && !existsSync(file)) symlinkSync('busybox', file);
  }
  return root;
}

async function forks(provider: Provider, tree: string): Promise<void> {
  const copied = 'cp -a of the workspace';
  await using plain = await provider.create();
  await fill(plain, tree);
  await using source = await forkOf(plain);
  for (const count of [10, 100, 1_000]) {
    const name = `fork with start, each of ${count}`;
    const copy = path.join(base, 'copy');
    for (let round = 0; round < (count === 1_000 ? 1 : Math.min(rounds, 3)); round += 1) {
      await measure(copied, () => shell(`cp -a ${tree} ${copy}`));
      rmSync(copy, { recursive: true });
      const before = diskUse();
      const begin = performance.now();
      const made = await source.fork(count);
      const each = (performance.now() - begin) / count;
      samples.set(name, [...(samples.get(name) ?? []), each]);
      const clones = made.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
      const disk = (diskUse() - before) / count;
      print(`${name}: ${each.toFixed(1)} ms, ${Math.round(disk / 1024)} KiB of disk`);
      for (let at = 0; at < clones.length; at += 20) {
        await Promise.all(clones.slice(at, at + 20).map((clone) => clone.destroy()));
      }
    }
    target(name, copied, 0.04);
  }
  const once = 'fork of a workspace of its own (copied once), each of 10';
  const begin = performance.now();
  const made = await plain.fork(10);
  samples.set(once, [(performance.now() - begin) / 10]);
  target(once, copied, Number.POSITIVE_INFINITY);
  for (const result of made) if (result.status === 'fulfilled') await result.value.destroy();
}

function diskUse(): number {
  const text = execFileSync('du', ['-sk', stateDirectory], { encoding: 'utf8' });
  return Number(text.split('\t')[0]) * 1024;
}

interface Measured {
  readonly takeMs: number;
  readonly restoreMs: number;
  readonly peak: number;
}

/** One run in a process of its own; `undefined`, with the reason printed, when it fails. */
function child(kind: string, tree: string): Measured | undefined {
  const scratch = path.join(base, `child-${kind}`);
  const script = path.join(import.meta.dirname, 'measure', 'snapshot-child.js');
  try {
    const text = execFileSync(process.execPath, [script, kind, tree, scratch], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1e8,
    });
    return JSON.parse(text) as Measured;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error);
    const line = said.split('\n').find((one) => /Error/.test(one)) ?? said;
    print(`${kind} fails: ${line.slice(0, 160)}`);
    return undefined;
  } finally {
    execFileSync('rm', ['-rf', scratch]);
  }
}

function compare(label: string, tree: string): void {
  for (const kind of ['gantry', 'openai']) {
    const found = child(kind, tree);
    if (!found) continue;
    const name = `${label}, ${kind === 'openai' ? 'OpenAI Agents SDK' : 'Gantry'}`;
    samples.set(`${name}: capture`, [found.takeMs]);
    samples.set(`${name}: restore`, [found.restoreMs]);
    print(`${name}: peak resident memory ${Math.round(found.peak / 2 ** 20)} MiB`);
  }
}

function fidelity(): void {
  const script = path.join(import.meta.dirname, 'measure', 'snapshot-child.js');
  const tables = ['gantry', 'openai'].map((kind) => {
    const scratch = path.join(base, `checks-${kind}`);
    const text = execFileSync(process.execPath, [script, kind, '-', scratch, 'checks'], {
      encoding: 'utf8',
    });
    execFileSync('rm', ['-rf', scratch]);
    return JSON.parse(text) as Record<string, string>;
  });
  const [ours = {}, theirs = {}] = tables;
  print(`${'what survives'.padEnd(26)}${'Gantry'.padEnd(10)}OpenAI Agents SDK`);
  for (const [name, state] of Object.entries(ours)) {
    print(`${name.padEnd(26)}${state.padEnd(10)}${theirs[name]}`);
  }
  writeFileSync(
    path.join(import.meta.dirname, '..', 'results', 'snapshot-fidelity.json'),
    `${JSON.stringify({ gantry: ours, openaiAgents: theirs }, null, 2)}\n`,
  );
}

try {
  const provider = local({ stateDirectory });
  const small = path.join(base, 'small');
  makeSmallFiles(small, 10_000);
  if (parts.has('small')) {
    await fullAndBack('10,000 files', provider, small);
    const evidence = 'guest-metadata';
    const layered = { ratio: 0.15, layered: true };
    await incremental('1 % changed in a fork, its layer', provider, small, layered);
    await incremental('1 % changed, scan by the host', provider, small, { ratio: 0.5 });
    await incremental('1 % changed, by spawn, GNU', provider, small, { evidence, ratio: 0.6 });
    const busybox = local({ stateDirectory, rootfs: busyboxRoot() });
    await incremental('1 % changed, by spawn, busybox', busybox, small, { evidence, ratio: 1.3 });
  }
  if (parts.has('docker')) {
    await dockerCommits(small, rounds, measure);
    target(commitRows.own, commitRows.exec, 2.5);
    target(commitRows.plain, commitRows.exec, Number.POSITIVE_INFINITY);
  }
  if (parts.has('forks')) await forks(provider, small);
  if (parts.has('peers')) {
    compare('10,000 files', small);
    fidelity();
  }
  rmSync(small, { recursive: true });
  if (parts.has('large')) {
    for (const [label, count] of [
      ['100 MB', 5],
      ['1 GB', 50],
      ['4 GB', 200],
    ] as const) {
      const large = path.join(base, 'large');
      makeLargeFiles(large, count, 20);
      if (label === '1 GB') await fullAndBack('50 files, 1 GB', provider, large);
      if (label === '4 GB') {
        const found = child('gantry', large);
        if (found)
          print(`${label}, Gantry: peak resident memory ${Math.round(found.peak / 2 ** 20)} MiB`);
      } else compare(label, large);
      rmSync(large, { recursive: true });
    }
  }
  const rows = [...samples].map(([name, milliseconds]): Row => {
    const wanted = targets.get(name);
    const baseline = quantile(samples.get(wanted?.of ?? name) ?? [], 0.5);
    const [p50, p95] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.95)];
    return {
      ...{ name, samples: milliseconds.length, p50, p95 },
      ...{ ratio50: p50 / baseline, ratio95: p95 / baseline },
      ...(wanted === undefined || wanted.target === Number.POSITIVE_INFINITY
        ? {}
        : { target: wanted.target }),
    };
  });
  report('snapshot', 'the plain tools named for the same tree, in the same run', rows);
} finally {
  execFileSync('rm', ['-rf', base]);
}

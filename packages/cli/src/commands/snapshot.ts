import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CreateSnapshotOptions } from '../actions/snapshot/create-snapshot.ts';
import type { ExportSnapshotOptions } from '../actions/snapshot/export-snapshot.ts';
import type { ImportSnapshotOptions } from '../actions/snapshot/import-snapshot.ts';
import type { PruneSnapshotsOptions } from '../actions/snapshot/prune-snapshots.ts';
import { parseDuration } from '../duration.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import type { StoreOptions } from '../snapshot-store.ts';
import { collectWords, withExamples, withStoreOptions } from './shared-options.ts';

/** Adds `gantry snapshot` and its commands. */
export function addSnapshot(program: Command, session: Session): void {
  const snapshot = program
    .command('snapshot')
    .summary('keep the contents of workspaces, compare and check them')
    .description(
      'Keep the contents of a sandbox’s workspace in a store, where they are immutable, and see, compare, check, ' +
        'export and remove what is there. Bring one back with gantry rehydrate.',
    );
  addCreate(snapshot, session);
  addReaders(snapshot, session);
  addUpkeep(snapshot, session);
  addExchange(snapshot, session);
}

function addCreate(snapshot: Command, session: Session): void {
  const command = snapshot
    .command('create')
    .description('Take a snapshot of a sandbox, and print its id. The sandbox goes on.')
    .argument('<sandbox>', 'id of a sandbox, or a unique prefix of it')
    .option('--parent <id>', 'only what has changed since this snapshot travels')
    .addOption(
      new Option('--evidence <kind>', 'how it may be known what has not changed').choices([
        ...(['bytes', 'host-layer', 'guest-metadata'] as const),
      ]),
    );
  withExamples(withStoreOptions(command), [
    'gantry snapshot create 7f3a',
    'gantry snapshot create 7f3a --parent 91be',
    'gantry snapshot create 7f3a --parent 91be --evidence bytes',
  ]).action(async (sandbox: string, options: CreateSnapshotOptions) => {
    applyCommonOptions(session, options);
    const { createSnapshot } = await import('../actions/snapshot/create-snapshot.ts');
    session.exitCode = await createSnapshot(session, sandbox, options);
  });
}

function addReaders(snapshot: Command, session: Session): void {
  withExamples(
    withStoreOptions(
      snapshot.command('ls').description('List the snapshots of a store, oldest first.'),
    ),
    ['gantry snapshot ls', "gantry snapshot ls --json | jq -r '.snapshots[].id'"],
  ).action(async (options: StoreOptions) => {
    applyCommonOptions(session, options);
    const { lsSnapshots } = await import('../actions/snapshot/ls-snapshots.ts');
    session.exitCode = await lsSnapshots(session, options);
  });
  const show = snapshot
    .command('show')
    .description('Print what a snapshot says of itself.')
    .argument('<snapshot>', 'id, or a unique prefix of at least 4 digits');
  withExamples(withStoreOptions(show), ['gantry snapshot show 91be']).action(
    async (id: string, options: StoreOptions) => {
      applyCommonOptions(session, options);
      const { showSnapshot } = await import('../actions/snapshot/show-snapshot.ts');
      session.exitCode = await showSnapshot(session, id, options);
    },
  );
  const diff = snapshot
    .command('diff')
    .description(
      'Print the paths that differ: + added, - removed, ~ changed. Exit code 1 when any does.',
    )
    .argument('<before>', 'id of a snapshot, or a unique prefix')
    .argument('<after>', 'id of another');
  withExamples(withStoreOptions(diff), ['gantry snapshot diff 91be c04d']).action(
    async (before: string, after: string, options: StoreOptions) => {
      applyCommonOptions(session, options);
      const { printDiff } = await import('../actions/snapshot/print-diff.ts');
      session.exitCode = await printDiff(session, before, after, options);
    },
  );
}

function addUpkeep(snapshot: Command, session: Session): void {
  const verify = snapshot
    .command('verify')
    .description(
      'Read every byte that snapshots need, and check its digest. Exit code 1 when any is wrong.',
    )
    .argument('[snapshot...]', 'ids or unique prefixes (default: all)');
  withExamples(withStoreOptions(verify), [
    'gantry snapshot verify',
    'gantry snapshot verify 91be',
  ]).action(async (ids: readonly string[], options: StoreOptions) => {
    applyCommonOptions(session, options);
    const { verifySnapshots } = await import('../actions/snapshot/verify-snapshots.ts');
    session.exitCode = await verifySnapshots(session, ids, options);
  });
  const prune = snapshot
    .command('prune')
    .description('Remove snapshots, and what no snapshot needs any more.')
    .option('--remove <id>', 'remove this snapshot; may be repeated', collectWords)
    .option('--keep-last <number>', 'remove all but so many, the latest', parseCount)
    .option('--grace <duration>', 'what is younger stays (default: 24h)', parseDuration)
    .option('--dry-run', 'print what would go, and remove nothing');
  withExamples(withStoreOptions(prune), [
    'gantry snapshot prune',
    'gantry snapshot prune --keep-last 10 --dry-run',
    'gantry snapshot prune --remove 91be --grace 1s',
  ]).action(async (options: PruneSnapshotsOptions) => {
    applyCommonOptions(session, options);
    const { pruneSnapshots } = await import('../actions/snapshot/prune-snapshots.ts');
    session.exitCode = await pruneSnapshots(session, options);
  });
}

function addExchange(snapshot: Command, session: Session): void {
  const exporting = snapshot
    .command('export')
    .description('Write a snapshot as an OCI image layout, its contents in /workspace.')
    .argument('<snapshot>', 'id, or a unique prefix')
    .argument('<directory>', 'missing or empty')
    .addOption(
      new Option('--layers <how>', 'one layer, or one for each ancestor')
        .choices(['one', 'chain'])
        .default('one'),
    );
  withExamples(withStoreOptions(exporting), ['gantry snapshot export 91be image']).action(
    async (id: string, directory: string, options: ExportSnapshotOptions) => {
      applyCommonOptions(session, options);
      const { exportSnapshot } = await import('../actions/snapshot/export-snapshot.ts');
      session.exitCode = await exportSnapshot(session, id, directory, options);
    },
  );
  const importing = snapshot
    .command('import')
    .description('Make a snapshot of a tar file (plain, gzip or zstd), and print its id.')
    .argument('<file>', 'the tar file, or - for standard input')
    .option('--directory <path>', 'take what is below this directory of the tar file');
  withExamples(withStoreOptions(importing), [
    'gantry snapshot import work.tar.gz',
    'git archive HEAD | gantry snapshot import -',
  ]).action(async (file: string, options: ImportSnapshotOptions) => {
    applyCommonOptions(session, options);
    const { importSnapshot } = await import('../actions/snapshot/import-snapshot.ts');
    session.exitCode = await importSnapshot(session, file, options);
  });
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

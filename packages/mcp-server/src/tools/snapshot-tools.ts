import type { SnapshotStore } from '@gantry/core';
import { diffSnapshots } from '@gantry/core/snapshot';
import { z } from 'zod';
import { mainName, type SessionSandboxes } from '../session/session-sandboxes.ts';
import type { SessionSnapshots } from '../session/session-snapshots.ts';
import { within } from './sandbox-tools.ts';
import { sandboxField } from './toolset-tools.ts';
import { type SessionTool, sessionTool } from './session-tool.ts';

/** Lines of a difference that are shown; the rest is counted. */
const mostShown = 500;
const signs = { added: '+', removed: '-', changed: '~' } as const;

/** The tools that keep and compare workspaces. */
export function snapshotTools(
  sandboxes: SessionSandboxes,
  snapshots: SessionSnapshots,
  store: SnapshotStore,
): readonly SessionTool[] {
  const snapshotField = z.string().min(4).describe('Id of a snapshot, or the start of it.');
  return [
    sessionTool({
      name: 'snapshot_create',
      description:
        'Keeps the files of a sandbox as they are now, to come back to by sandbox_create. Processes are not kept.',
      input: z.object({ sandbox: sandboxField }),
      effects: 'none',
      async execute({ sandbox = mainName }, context) {
        const taken = await sandboxes.snapshot(sandbox, within(context));
        snapshots.add(taken, sandbox);
        const { id, tree, contents, skipped, changing } = taken;
        const text = [
          `Snapshot ${id} of ${sandbox}: ${contents.files} files, ${contents.bytes} bytes.`,
          ...skipped.map(({ path, type }) => `Left out: ${path} (${type})`),
          ...changing.map((path) => `Changed while it was read: ${path}`),
        ];
        return { text: text.join('\n'), details: { id, tree, contents: { ...contents } } };
      },
    }),
    sessionTool({
      name: 'snapshot_list',
      description: 'Lists the snapshots of this session, the oldest first.',
      input: z.object({}),
      effects: 'none',
      async execute() {
        const all = snapshots.list().map(({ snapshot: { id, takenAt, contents }, sandbox }) => ({
          ...{ id, sandbox, takenAt, files: contents.files, bytes: contents.bytes },
        }));
        const lines = all.map(
          ({ id, sandbox, takenAt, files, bytes }) =>
            `${id} ${sandbox} ${new Date(takenAt).toISOString()} ${files} files, ${bytes} bytes`,
        );
        return { text: lines.join('\n') || 'There are none.', details: { snapshots: all } };
      },
    }),
    sessionTool({
      name: 'snapshot_diff',
      description: 'Tells which files differ between two snapshots: + added, - removed, ~ changed.',
      input: z.object({ before: snapshotField, after: snapshotField }),
      effects: 'none',
      async execute({ before, after }) {
        const lines: string[] = [];
        let count = 0;
        const [first, second] = [snapshots.find(before), snapshots.find(after)];
        for await (const { kind, path } of diffSnapshots(first, second, store)) {
          count += 1;
          if (count <= mostShown) lines.push(`${signs[kind]} ${path}`);
        }
        if (count === 0) return { text: 'Nothing differs.', details: { count } };
        if (count > mostShown) lines.push(`… and ${count - mostShown} more`);
        return { text: lines.join('\n'), details: { count } };
      },
    }),
  ];
}

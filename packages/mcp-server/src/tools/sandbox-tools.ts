import type { ToolContext } from '@gantry/agent/toolset';
import { type OperationOptions, SandboxError } from '@gantry/core';
import { z } from 'zod';
import { mainName, type SessionSandboxes } from '../session/session-sandboxes.ts';
import type { SessionSnapshots } from '../session/session-snapshots.ts';
import { sandboxField } from './toolset-tools.ts';
import { type SessionTool, sessionTool } from './session-tool.ts';

const nameField = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'letters, digits, dashes and underscores');

/** The tools that make, list and end sandboxes. */
export function sandboxTools(
  sandboxes: SessionSandboxes,
  snapshots: SessionSnapshots,
): readonly SessionTool[] {
  return [
    sessionTool({
      name: 'sandbox_list',
      description: 'Lists the sandboxes of this session by name.',
      input: z.object({}),
      effects: 'none',
      async execute() {
        const all = sandboxes.list();
        const lines = all.map(({ name, started }) => `${name}${started ? '' : ' (not used yet)'}`);
        return { text: lines.join('\n'), details: { sandboxes: all.map((each) => ({ ...each })) } };
      },
    }),
    sessionTool({
      name: 'sandbox_create',
      description:
        'Makes another sandbox, fresh or with the contents of a snapshot of this session. Processes are not in snapshots.',
      input: z.object({
        name: nameField.describe('How other tools name it.'),
        snapshot: z.string().min(4).optional().describe('Id of a snapshot, or the start of it.'),
      }),
      effects: 'workspace',
      async execute({ name, snapshot }, context) {
        const id = snapshot === undefined ? undefined : snapshots.find(snapshot);
        await sandboxes.create(name, id, within(context));
        return { text: `Made ${name}${id === undefined ? '' : ` from snapshot ${id}`}.` };
      },
    }),
    sessionTool({
      name: 'sandbox_fork',
      description:
        'Clones a sandbox, to try several ways at once from the same state. Each clone has its own files from then on; processes are not cloned.',
      input: z.object({
        sandbox: sandboxField,
        count: z.number().int().min(1).max(100).default(1),
      }),
      effects: 'workspace',
      async execute({ sandbox = mainName, count }, context) {
        const settled = await sandboxes.fork(sandbox, count, within(context));
        const names = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
        const reasons = settled.flatMap((each): unknown[] =>
          each.status === 'rejected' ? [each.reason] : [],
        );
        if (names.length === 0) throw reasons[0];
        const failed = reasons.map((reason) => messageOf(reason));
        const text = [`Made ${names.join(', ')}.`, ...failed.map((each) => `One failed: ${each}`)];
        return { text: text.join('\n'), details: { names, failed } };
      },
    }),
    sessionTool({
      name: 'sandbox_destroy',
      description: `Ends a sandbox, with its files and processes. ${mainName} starts anew when it is next used.`,
      input: z.object({ sandbox: nameField.describe('Its name.') }),
      effects: 'destructive',
      async execute({ sandbox }) {
        await sandboxes.destroy(sandbox);
        return { text: `Destroyed ${sandbox}.` };
      },
    }),
  ];
}

/** The limits of a call as every operation takes them. */
export function within({ signal }: ToolContext): OperationOptions {
  return signal === undefined ? {} : { signal };
}

function messageOf(reason: unknown): string {
  if (SandboxError.is(reason)) return `${reason.code}: ${reason.message}`;
  return reason instanceof Error ? reason.message : String(reason);
}

import { memoryStore } from '@gantry/core/snapshot';
import type { SnapshotStore } from '@gantry/core';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { McpServerOptions } from '../server-options.ts';
import { callTool } from '../tools/call-tool.ts';
import { sandboxTools } from '../tools/sandbox-tools.ts';
import type { SessionTool } from '../tools/session-tool.ts';
import { snapshotTools } from '../tools/snapshot-tools.ts';
import { toolsetTools } from '../tools/toolset-tools.ts';
import { SessionSandboxes } from './session-sandboxes.ts';
import { SessionSnapshots } from './session-snapshots.ts';

/** One client's server, with sandboxes and snapshots that no other session can name. Disposing destroys the sandboxes. */
export interface McpSession extends AsyncDisposable {
  readonly server: Server;
}

const instructions =
  'Tools that work in a sandbox: an isolated Linux machine with its files in /workspace. The sandbox is made at the first use, and ' +
  'ends with this session, so hand over results before. Take a snapshot before a risky step; fork to try several ways at once.';

/** The store of a server whose options name none. */
export function storeOf(options: McpServerOptions): SnapshotStore {
  return options.snapshots ?? memoryStore();
}

/** Makes the server of one session. Nothing is made in the provider before the first use of a tool. */
export function mcpSession(options: McpServerOptions, store: SnapshotStore): McpSession {
  const sandboxes = new SessionSandboxes(options, store);
  const snapshots = new SessionSnapshots();
  const tools: readonly SessionTool[] = [
    ...toolsetTools(sandboxes),
    ...sandboxTools(sandboxes, snapshots),
    ...snapshotTools(sandboxes, snapshots, store),
  ];
  const server = new Server(
    { name: 'gantry', version: options.version ?? '0.0.0' },
    { capabilities: { tools: {} }, instructions },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(toolListing) }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) =>
    callTool(tools, params, signal),
  );
  return { server, [Symbol.asyncDispose]: () => sandboxes.close() };
}

interface ToolListing {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
  readonly annotations: { readonly readOnlyHint: boolean; readonly destructiveHint: boolean };
}

function toolListing({ name, description, input, effects }: SessionTool): ToolListing {
  return {
    ...{ name, description },
    inputSchema: { ...z.toJSONSchema(input, { io: 'input' }), type: 'object' },
    annotations: { readOnlyHint: effects === 'none', destructiveHint: effects === 'destructive' },
  };
}

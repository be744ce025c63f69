import { type RestrictedSandbox, SandboxError } from '@gantry/core';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { z } from 'zod';
import type { AgentExtender } from '../agent/agent-types.ts';
import type { PresentedTool } from '../presentation/presented-tool.ts';
import { defineTool } from '../toolset/define-tool.ts';
import { defaultLimits } from '../toolset/limits.ts';
import { shorten } from '../toolset/shorten.ts';
import type { ToolContent } from '../toolset/tool.ts';
import { ToolFailure } from '../toolset/tool-failure.ts';
import { type RemoteServer, remoteTransport } from './remote-server.ts';
import { type SandboxServer, SandboxTransport } from './sandbox-transport.ts';

/** A server of tools, and which of them the model is given. */
export type McpServer = {
  /** Names the server in the names of its tools: letters, digits and dashes. */
  readonly name: string;
  /** The tools that the model may call, by the server's names. `all` trusts the server with any it may ever have. */
  readonly tools: readonly string[] | 'all';
  /** Milliseconds that a call may take. Default 120,000. */
  readonly timeoutMs?: number;
} & (SandboxServer | RemoteServer);

const defaultTimeoutMs = 120_000;
const longestDescription = 2_000;

const listedTools = z.array(
  z.object({
    name: z.string(),
    description: z.string(),
    schema: z.record(z.string(), z.json()),
  }),
);
type ListedTool = z.output<typeof listedTools>[number];

/**
 * Gives an agent the tools of MCP servers. What a server offers is asked once and recorded: it cannot change what its tools
 * say of themselves later in the run. Calls of a remote server happen at least once.
 */
export function mcpServers(...servers: readonly McpServer[]): AgentExtender {
  return async ({ run }) => {
    const connections = servers.map((server) => new Connection(server, run.sandbox));
    const tools: PresentedTool[] = [];
    try {
      for (const connection of connections) {
        const { server, inSandbox } = connection;
        const listed = await run.step(
          `mcp ${server.name}`,
          ({ signal }) => connection.list(signal),
          {
            schema: listedTools,
            effects: inSandbox ? 'workspace' : 'none',
          },
        );
        tools.push(...listed.map((tool) => presented(connection, tool)));
      }
    } catch (error) {
      await Promise.all(connections.map((connection) => connection.close()));
      throw error;
    }
    const close = async (): Promise<void> => {
      await Promise.all(connections.map((connection) => connection.close()));
    };
    return { tools, close };
  };
}

/** One server, connected when it is first used and again when the connection was lost. */
class Connection {
  readonly server: McpServer;
  readonly #sandbox: RestrictedSandbox;
  #client: Promise<Client> | undefined;

  constructor(server: McpServer, sandbox: RestrictedSandbox) {
    if (!/^[A-Za-z0-9-]{1,30}$/.test(server.name)) {
      throw refused(server.name, 'its name must be letters, digits and dashes, 30 at most');
    }
    this.server = server;
    this.#sandbox = sandbox;
  }

  get inSandbox(): boolean {
    return 'command' in this.server;
  }

  /** The tools that are allowed, all pages. One that is allowed and not there is an error: the list was meant for something. */
  async list(signal: AbortSignal): Promise<readonly ListedTool[]> {
    const { name, tools: allowed, timeoutMs = defaultTimeoutMs } = this.server;
    const client = await this.client();
    const found: ListedTool[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor }, {
        signal,
        timeout: timeoutMs,
      });
      for (const tool of page.tools) {
        if (allowed !== 'all' && !allowed.includes(tool.name)) continue;
        const description = (tool.description ?? '').slice(0, longestDescription).toWellFormed();
        const schema = z.record(z.string(), z.json()).parse(tool.inputSchema);
        found.push({ name: tool.name, description, schema });
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined && found.length < defaultLimits.entries);
    const missing =
      allowed === 'all' ? [] : allowed.filter((each) => !found.some((tool) => tool.name === each));
    if (missing.length > 0) throw refused(name, `it has no tool ${missing.join(', ')}`);
    return found;
  }

  client(): Promise<Client> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async close(): Promise<void> {
    const connecting = this.#client;
    this.#client = undefined;
    // One that could not be made was told to whoever asked for it.
    const client = await connecting?.catch(() => undefined);
    await client?.close();
  }

  async #connect(): Promise<Client> {
    const { server } = this;
    const client = new Client({ name: 'gantry', version: '0.0.0' });
    const complaints: string[] = [];
    Object.assign(client, {
      onerror: (error: Error) => void complaints.push(error.message),
      onclose: () => {
        this.#client = undefined;
      },
    });
    const transport =
      'url' in server
        ? await remoteTransport(server.name, server)
        : new SandboxTransport(this.#sandbox, server);
    try {
      await client.connect(transport);
    } catch (cause) {
      this.#client = undefined;
      if (SandboxError.is(cause)) throw cause;
      const said = complaints.length === 0 ? '' : ` (${complaints.join('; ').slice(0, 1000)})`;
      if (cause instanceof UnauthorizedError) {
        const message = `MCP server ${server.name} wants somebody's consent first: let its authProvider get the tokens, then run again`;
        throw new SandboxError('unauthenticated', message, { operation: 'mcp', cause });
      }
      throw new SandboxError(
        'unavailable',
        `MCP server ${server.name} cannot be spoken with: ${String(cause)}${said}`,
        {
          operation: 'mcp',
          cause,
        },
      );
    }
    return client;
  }
}

function presented(
  connection: Connection,
  { name, description, schema }: ListedTool,
): PresentedTool {
  const { server } = connection;
  const full = `${server.name}__${name}`.replaceAll(/[^\w-]/g, '_').slice(0, 64);
  const tool = defineTool({
    name: full,
    description,
    input: z.looseObject({}),
    effects: connection.inSandbox ? 'workspace' : 'none',
    async execute(input, { signal }) {
      const result = await answered(server.name, signal, async () => {
        const client = await connection.client();
        const timeout = server.timeoutMs ?? defaultTimeoutMs;
        return client.callTool({ name, arguments: input }, undefined, {
          timeout,
          ...(signal ? { signal } : {}),
        });
      });
      const parts = contents.parse(result.content ?? []).map(contentOf);
      const content = bounded(parts);
      if (result.isError !== true) return { content };
      throw new ToolFailure(
        content.map((part) => (part.type === 'text' ? part.text : '')).join('\n'),
      );
    },
  });
  return { ...tool, schema };
}

/** A server's complaint, or its silence, is for the model to deal with; a lost sandbox and an abort are not. */
async function answered<Result>(
  server: string,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    signal?.throwIfAborted();
    if (SandboxError.is(cause) && cause.operation !== 'mcp') throw cause;
    throw new ToolFailure(
      `MCP server ${server}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

const contents = z.array(
  z.looseObject({
    type: z.string(),
    text: z.string().optional(),
    data: z.string().optional(),
    mimeType: z.string().optional(),
  }),
);

function contentOf({
  type,
  text,
  data,
  mimeType,
  ...rest
}: z.output<typeof contents>[number]): ToolContent {
  if (type === 'text') return { type, text: text ?? '' };
  const small = data !== undefined && data.length <= (defaultLimits.imageBytes * 4) / 3;
  if (type === 'image' && small && mimeType !== undefined)
    return { type, mediaType: mimeType, base64: data };
  return { type: 'text', text: `[${type}] ${JSON.stringify(rest)}` };
}

function bounded(parts: readonly ToolContent[]): readonly ToolContent[] {
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  const shown = shorten(text, defaultLimits.outputTokens).toWellFormed();
  const images = parts.filter((part) => part.type === 'image').slice(0, 10);
  return shown === '' && images.length > 0 ? images : [{ type: 'text', text: shown }, ...images];
}

function refused(server: string, what: string): SandboxError {
  return new SandboxError('invalid-argument', `MCP server ${server}: ${what}`, {
    operation: 'mcp',
  });
}

import { once } from 'node:events';
import type { McpServerOptions } from '@gantry/mcp-server';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { note, print, printJson } from '../output/print.ts';
import { loadMcpServer } from '../provider/load-mcp-server.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { readManifest } from '../sandbox/read-manifest.ts';
import type { Session } from '../session.ts';
import { openStore, type StoreOptions } from '../snapshot-store.ts';

/** What `gantry mcp` was given. */
export interface McpActionOptions extends StoreOptions {
  readonly manifest?: string;
  readonly image?: string;
  readonly lifetime?: number;
  readonly http?: boolean;
  readonly port?: number;
  readonly origin?: readonly string[];
  readonly maxSandboxes?: number;
}

/** `gantry mcp`: serves until its client goes or gantry is interrupted, then destroys what it made. Returns 0. */
export async function mcp(session: Session, options: McpActionOptions): Promise<number> {
  if (!options.http && (session.json || options.port !== undefined || options.origin)) {
    throw new CliError('--json, --port and --origin are for --http', {
      hint: 'Without --http, standard output is the protocol’s own.',
    });
  }
  const { signal } = session.interrupts;
  const { serveHttp, serveStdio, version } = await loadMcpServer();
  const provider = await loadProvider(options.provider, options.egress);
  const server: McpServerOptions = {
    ...{ provider, version, create: await createOptions(options) },
    snapshots: await openStore(options),
    ...(options.maxSandboxes === undefined ? {} : { maxSandboxes: options.maxSandboxes }),
  };
  if (!options.http) {
    if (session.verbose) note(`serving ${provider.id} over standard input and output`);
    await serveStdio({ ...server, signal });
    return 0;
  }
  const { port, origin: origins } = options;
  await using listening = await serveHttp({
    ...server,
    ...(port === undefined ? {} : { port }),
    ...(origins === undefined ? {} : { origins }),
  }).catch((cause: unknown) => {
    const message = `the server cannot start: ${messageOf(cause)}`;
    throw new CliError(message, { code: 'failed-precondition', cause });
  });
  const { url, token } = listening;
  const headers = { Authorization: `Bearer ${token}` };
  if (session.json) printJson({ provider: provider.id, url, headers });
  else {
    print(`${JSON.stringify({ mcpServers: { gantry: { type: 'http', url, headers } } })}\n`);
    note(`provider ${provider.id} at ${url}; Ctrl-C ends it and its sandboxes`);
  }
  if (!signal.aborted) await once(signal, 'abort');
  return 0;
}

async function createOptions({
  manifest: file,
  image,
  lifetime,
}: McpActionOptions): Promise<NonNullable<McpServerOptions['create']>> {
  const read = file === undefined ? undefined : await readManifest(file);
  const manifest = { spec: 'gantry-manifest/1', ...read?.manifest } as const;
  return {
    ...read,
    manifest: { ...manifest, ...(image === undefined ? {} : { image }) },
    ...(lifetime === undefined ? {} : { maxLifetimeMs: lifetime }),
  };
}

import { pathToFileURL } from 'node:url';
import type { serveHttp, serveStdio } from '@gantry/mcp-server';
import { CliError } from '../errors/cli-error.ts';
import { findPackage } from './find-package.ts';
import { property } from './property.ts';

const packageName = '@gantry/mcp-server';

/** What starts a server, over HTTP or over standard input and output. */
export interface LoadedMcpServer {
  readonly serveHttp: typeof serveHttp;
  readonly serveStdio: typeof serveStdio;
  /** Of the package. */
  readonly version: string;
}

/** Loads the user's copy of the package, or gantry's own. */
export async function loadMcpServer(): Promise<LoadedMcpServer> {
  const found = findPackage(packageName);
  if (!found) {
    throw new CliError(`${packageName} is not installed`, {
      ...{ code: 'not-found', hint: `Install it: npm install ${packageName}` },
    });
  }
  const loaded: unknown = await import(pathToFileURL(found.entry).href);
  const starts = {
    serveHttp: property(loaded, 'serveHttp'),
    serveStdio: property(loaded, 'serveStdio'),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both are what this very package exports by these names
  return { ...starts, version: found.version } as LoadedMcpServer;
}

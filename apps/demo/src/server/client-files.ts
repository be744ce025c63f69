import { readFile } from 'node:fs/promises';
import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webp': 'image/webp',
};

/** Where `vite build` puts the client. */
export const clientDirectory: string = path.resolve(
  import.meta.dirname,
  '..',
  '..',
  'client',
  'dist',
);

/** One file of the built client. */
export interface ClientFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Its name changes with its contents. */
  readonly immutable: boolean;
}

/** The built file for a path of the page; `index.html` for a path that is no file, since the page reads the path itself. */
export async function clientFile(pathname: string): Promise<ClientFile | undefined> {
  const name = pathname.startsWith('/assets/')
    ? decodeURIComponent(pathname.slice(1))
    : 'index.html';
  const file = path.join(clientDirectory, name);
  const type = types[path.extname(file)];
  if (!file.startsWith(`${clientDirectory}${path.sep}`) || type === undefined) return undefined;
  try {
    return {
      bytes: new Uint8Array(await readFile(file)),
      type,
      immutable: name.startsWith('assets/'),
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

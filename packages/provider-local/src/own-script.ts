import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The file of one of this package's own programs, `name` without its extension: compiled where this
 * file is, else the source, which Node runs as well.
 */
export function ownScript(name: string): string {
  const self = fileURLToPath(import.meta.url);
  return path.join(path.dirname(self), `${name}${path.extname(self)}`);
}

import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The file of a program of the caller's own package, `name` without its extension, from the folder of the module
 * `url`: compiled where that module is, else the source, which Node runs as well.
 */
export function siblingScript(url: string, name: string): string {
  const self = fileURLToPath(url);
  return path.join(path.dirname(self), `${name}${path.extname(self)}`);
}

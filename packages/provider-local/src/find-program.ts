import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const found = new Map<string, string>();

/** The path of a program that PATH leads to, looked up once; its name when there is none. */
export function findProgram(name: string): string {
  const known = found.get(name);
  if (known !== undefined) return known;
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const file = path.resolve(directory, name);
    try {
      accessSync(file, constants.X_OK);
      found.set(name, file);
      return file;
    } catch {
      // Whoever runs the name says that it is missing.
    }
  }
  return name;
}

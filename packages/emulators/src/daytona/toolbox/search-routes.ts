import type { Hono } from 'hono';
import { readBody } from '../wire-bodies.ts';
import { fileExits, runFileScript, withFile } from './file-error.ts';
import { guestOf, guestPath, type ToolboxBindings } from './toolbox-call.ts';

const there = `[ -e "$1" ] || exit ${fileExits.missing}\n`;

/** Looks for files by name and by contents, and changes contents. */
export function addSearchRoutes(app: Hono<{ Bindings: ToolboxBindings }>): void {
  app.get('/files/search', async (c) => {
    const { path, pattern = '' } = c.req.query();
    const script = `${there}find "$1" -mindepth 1 -name "$2" -print0 2>/dev/null; :`;
    const found = await runFileScript(guestOf(c), script, [guestPath(path), pattern]);
    return c.json({ files: found.split('\0').slice(0, -1).toSorted() });
  });
  app.get('/files/find', async (c) => {
    const { path, pattern = '' } = c.req.query();
    const script = `${there}grep -rnIFZ -e "$2" -- "$1" 2>/dev/null; [ $? -le 2 ]`;
    const found = await runFileScript(guestOf(c), script, [guestPath(path), pattern]);
    const matches = found.split('\n').flatMap((line) => {
      const [, file, number, content] = /^([^\0]*)\0(\d+):(.*)$/s.exec(line) ?? [];
      return file === undefined ? [] : [{ file, line: Number(number), content }];
    });
    return c.json(matches);
  });
  app.post('/files/replace', async (c) => {
    const { files, pattern, newValue } = await readBody(c.req, 'replace');
    const results = [];
    for (const file of files) {
      const path = guestPath(file);
      try {
        await withFile(path, async () => {
          const before = await guestOf(c).files.readText(path);
          await guestOf(c).files.write(
            path,
            before.replaceAll(pattern, () => newValue),
          );
        });
        results.push({ file, success: true });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        results.push({ file, success: false, error: message });
      }
    }
    return c.json(results);
  });
}

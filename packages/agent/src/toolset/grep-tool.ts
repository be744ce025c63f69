import type { RestrictedSandbox } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import { globMatcher } from './glob-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { findArguments, listFilesBelow, runSearch, skippedDirectories } from './sandbox-files.ts';
import { charactersPerToken, shorten } from './shorten.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

/** Bytes of names that one command is given. */
const argumentBytes = 64 * 1024;

const input = z.object({
  pattern: z
    .string()
    .min(1)
    .describe('A POSIX extended regular expression; \\d, \\w, \\s and \\b work too.'),
  path: z.string().optional().describe('File or directory. Default: the working directory.'),
  glob: z.string().optional().describe('Only in files whose path matches, such as *.py.'),
  ignore_case: z.boolean().optional(),
  context: z.int().min(0).max(20).optional().describe('Lines to show around each match.'),
});

/** The tool that finds lines by what is in them. */
export function grepTool(
  sandbox: RestrictedSandbox,
  paths: WorkspacePaths,
  limits: ToolsetLimits,
): Tool {
  return defineTool({
    name: 'grep',
    description: `Finds lines that match a regular expression, as path:line:text. Leaves out binary files and does not look into ${skippedDirectories.join(' and ')}.`,
    input,
    effects: 'none',
    async execute({ pattern, path = '.', glob, ignore_case: ignoreCase, context = 0 }, { signal }) {
      const place = await paths.find(path, signal);
      if (!place.stat) throw new ToolFailure(`There is nothing at ${place.shown}.`);
      const grep = [
        'grep',
        ignoreCase === true ? '-nHEi' : '-nHE',
        ...(context > 0 ? ['-C', String(context)] : []),
        '-e',
        posixPattern(pattern),
        '--',
      ] as const;
      const commands: (readonly [string, ...string[]])[] = [];
      if (glob === undefined && place.stat.type === 'directory') {
        commands.push([...findArguments(place.shown), '-exec', ...grep, '{}', '+']);
      } else {
        const names =
          place.stat.type === 'directory'
            ? (await listFilesBelow(sandbox, place.shown, signal)).names
            : [place.shown];
        const matches = glob === undefined ? () => true : globMatcher(glob, place.shown);
        const chosen = names.filter((name) => matches(name)).map((name) => `./${name}`);
        for (const batch of batches(chosen)) commands.push([...grep, ...batch]);
      }
      const lines: string[] = [];
      let more = false;
      const bytes = limits.outputTokens * charactersPerToken * 4;
      for (const command of commands) {
        const { stdout, stderr, exit } = await runSearch(sandbox, command, signal, bytes);
        const found = stdout.text.split('\n');
        const last = found.pop();
        lines.push(...found.filter(isShown).map((line) => shownLine(line, limits.lineLength)));
        more ||= stdout.truncated || (last !== undefined && last !== '');
        // Both say 1 for "nothing found"; a pattern that is wrong is a complaint.
        if (found.length === 0 && exit.code !== 0 && /grep: (?!\.\/)/.test(stderr.text)) {
          throw new ToolFailure(
            `grep does not take the pattern: ${stderr.text.trim().slice(0, 500)}`,
          );
        }
        if (lines.length >= limits.entries) break;
      }
      if (lines.length === 0)
        return `No line matches ${JSON.stringify(pattern)} in ${place.shown}.`;
      if (lines.length > limits.entries || more) {
        lines.length = Math.min(lines.length, limits.entries);
        lines.push('[there are more; search in fewer files or for something narrower]');
      }
      return shorten(lines.join('\n'), limits.outputTokens);
    },
  });
}

/** `\d` and `\D` as POSIX has them; the others are known to GNU's and busybox's grep. */
function posixPattern(pattern: string): string {
  let inBrackets = false;
  return pattern.replaceAll(/\\.|[[\]]/g, (part) => {
    if (part === '[') inBrackets = true;
    if (part === ']') inBrackets = false;
    if (part === '\\d') return inBrackets ? '0-9' : '[0-9]';
    if (part === '\\D' && !inBrackets) return '[^0-9]';
    return part;
  });
}

function isShown(line: string): boolean {
  return !line.includes('\0') && !/^(?:grep: .*: b|B)inary file (?:.* )?matches$/.test(line);
}

function shownLine(line: string, longest: number): string {
  const tidy = line.replace(/^\.\//, '').replace(/\r$/, '');
  const over = tidy.length - longest;
  return over > 0 ? `${tidy.slice(0, longest)}[… ${over} characters left out]` : tidy;
}

function* batches(names: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const size = Buffer.byteLength(name) + 1;
    if (batch.length > 0 && bytes + size > argumentBytes) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(name);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { charactersPerToken } from './shorten.ts';
import { requireFile, requireText } from './text-file.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

const input = z.object({
  path: z.string().min(1),
  offset: z.int().min(1).optional().describe('First line to show, from 1. Default 1.'),
  limit: z.int().min(1).optional().describe('Number of lines to show. Default: as many as fit.'),
});

/** The tool that shows lines of a text file, with their numbers. */
export function readFileTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'read_file',
    description:
      'Shows a text file, or a range of its lines. Each line begins with its number and a tab, which are no part of the file.',
    input,
    effects: 'none',
    async execute({ path, offset = 1, limit = Infinity }, { signal }) {
      const place = await paths.find(path, signal);
      requireFile(place);
      const stream = await files.read(place.path, signal ? { signal } : {});
      const room = limits.outputTokens * charactersPerToken;
      const shown: string[] = [];
      let number = 0;
      let used = 0;
      let more = false;
      for await (const line of linesOf(stream, place.shown, limits.lineLength)) {
        number += 1;
        if (number < offset) continue;
        const text = `${String(number).padStart(6)}\t${line}`;
        if (shown.length >= limit || (used + text.length > room && shown.length > 0)) {
          more = true;
          break;
        }
        shown.push(text);
        used += text.length + 1;
      }
      if (number === 0) return `${place.shown} is empty.`;
      if (shown.length === 0) {
        throw new ToolFailure(
          `${place.shown} has ${number} lines; line ${offset} is past its end.`,
        );
      }
      const next = offset + shown.length;
      return more
        ? `${shown.join('\n')}\n[there is more; go on with offset ${next}]`
        : shown.join('\n');
    },
  });
}

/** Lines of a file that may be far larger than memory, each cut at a length. Leaving the loop stops the reading. */
async function* linesOf(
  stream: ReadableStream<Uint8Array>,
  shown: string,
  longest: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const state: { line: string; cut: number } = { line: '', cut: 0 };
  const add = (part: string): void => {
    const room = Math.max(longest - state.line.length, 0);
    state.line += part.slice(0, room);
    state.cut += Math.max(part.length - room, 0);
  };
  const finish = (): string => {
    const { line, cut } = state;
    [state.line, state.cut] = ['', 0];
    const whole = line.endsWith('\r') && cut === 0 ? line.slice(0, -1) : line;
    return cut > 0 ? `${whole}[… ${cut} characters left out]` : whole;
  };
  let first = true;
  let open = false;
  for await (const chunk of stream) {
    if (first) requireText(chunk, shown);
    first = false;
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, part] of parts.entries()) {
      if (index > 0) yield finish();
      add(part);
    }
    open = parts.length > 1 ? parts.at(-1) !== '' : open || parts[0] !== '';
  }
  if (open) yield finish();
}

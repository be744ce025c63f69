import path from 'node:path';
import { z } from 'zod';
import type { PresentedTool, ToolFamily } from '../presentation/presented-tool.ts';
import { defineTool } from '../toolset/define-tool.ts';
import { insertLines, replaceText } from '../toolset/edit-text.ts';
import { ToolFailure } from '../toolset/tool-failure.ts';
import { indexName, sizeOf } from './clean-memory.ts';
import type { MemoryFiles } from './memory-document.ts';

/** Where the memory is for the model: no directory of any machine. */
const root = '/memories';

/** What the memory of one run is by now. */
export interface MemoryState {
  files: MemoryFiles;
}

const input = z.object({
  command: z.enum(['view', 'create', 'str_replace', 'insert', 'delete', 'rename']),
  path: z.string().optional().describe(`Below ${root}.`),
  view_range: z.array(z.int()).optional(),
  file_text: z.string().optional(),
  old_str: z.string().optional(),
  new_str: z.string().optional(),
  insert_line: z.int().min(0).optional(),
  insert_text: z.string().optional(),
  old_path: z.string().optional(),
  new_path: z.string().optional(),
});
type MemoryInput = z.output<typeof input>;

const changed = z.record(z.string(), z.string());

/** The tool by which a model reads and writes its memory. It has no way to any file system. */
export function memoryTool(
  state: MemoryState,
  writable: boolean,
  mostBytes: number,
  family: ToolFamily,
): PresentedTool {
  const tool = defineTool({
    name: 'memory',
    description: `Reads ${writable ? 'and writes ' : ''}what you remember between tasks, as files below ${root}. ${indexName} is the index, which you see without asking.${writable ? ' Write down what will be of use later: never a secret.' : ''}`,
    input,
    effects: 'none',
    async execute(call) {
      if (call.command === 'view') return view(state.files, call);
      if (!writable) throw new ToolFailure('The memory can be read and not changed.');
      const files = change(state.files, call);
      if (sizeOf(files) > mostBytes) {
        throw new ToolFailure(
          `The memory would have ${sizeOf(files)} bytes, more than the ${mostBytes} it may have. Shorten it first.`,
        );
      }
      const text = `Done: ${call.command}.`;
      return { content: [{ type: 'text', text }], details: { files } };
    },
  });
  return {
    ...tool,
    ...(family === 'anthropic' ? { native: { id: 'anthropic.memory_20250818', args: {} } } : {}),
    remember({ details }) {
      if (details?.['files'] !== undefined) state.files = changed.parse(details['files']);
    },
  };
}

/** The path of a file in the memory, without its root. */
function inside(given: string | undefined): string {
  const place = path.posix.resolve(root, given ?? '');
  if (given !== undefined && (place === root || place.startsWith(`${root}/`))) {
    return place.slice(root.length + 1);
  }
  throw new ToolFailure(`The path must be below ${root}.`);
}

function view(files: MemoryFiles, call: MemoryInput): string {
  const place = inside(call.path ?? root);
  const text = files[place];
  if (text === undefined) {
    const below = Object.keys(files).filter((each) => place === '' || each.startsWith(`${place}/`));
    if (below.length === 0 && place !== '')
      throw new ToolFailure(`There is nothing at ${root}/${place}.`);
    return below.length === 0
      ? 'The memory is empty.'
      : below
          .toSorted()
          .map((each) => `${root}/${each}`)
          .join('\n');
  }
  const [first = 1, last = -1] = call.view_range ?? [];
  const lines = text.split('\n').slice(Math.max(first, 1) - 1, last === -1 ? undefined : last);
  return lines.join('\n');
}

function change(files: MemoryFiles, call: MemoryInput): MemoryFiles {
  const next: Record<string, string> = { ...files };
  if (call.command === 'rename') {
    const [from, to] = [inside(call.old_path), inside(call.new_path)];
    const text = existing(files, from);
    if (files[to] !== undefined) throw new ToolFailure(`There is a file at ${root}/${to} already.`);
    delete next[from];
    next[to] = text;
    return next;
  }
  const place = inside(call.path);
  if (place === '') throw new ToolFailure('Name a file.');
  if (call.command === 'create') {
    next[place] = call.file_text ?? '';
  } else if (call.command === 'str_replace') {
    const { old_str: old = '', new_str: fresh = '' } = call;
    if (old === '') throw new ToolFailure('old_str is empty.');
    next[place] = replaceText(existing(files, place), old, fresh, false, `${root}/${place}`).result;
  } else if (call.command === 'insert') {
    next[place] = insertLines(
      existing(files, place),
      call.insert_line ?? 0,
      call.insert_text ?? '',
    );
  } else {
    const gone = Object.keys(next).filter((each) => each === place || each.startsWith(`${place}/`));
    if (gone.length === 0) throw new ToolFailure(`There is nothing at ${root}/${place}.`);
    for (const each of gone) delete next[each];
  }
  return next;
}

function existing(files: MemoryFiles, place: string): string {
  const text = files[place];
  if (text === undefined) throw new ToolFailure(`There is no file ${root}/${place}.`);
  return text;
}

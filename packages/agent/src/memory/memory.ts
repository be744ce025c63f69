import { type SnapshotStore } from '@gantry/core';
import { generateText } from 'ai';
import { z } from 'zod';
import type { AgentContext, AgentExtender } from '../agent/agent-types.ts';
import { shorten } from '../toolset/shorten.ts';
import { cutToSize, indexName, sizeOf, withoutCredentials } from './clean-memory.ts';
import { type LoadedMemory, type MemoryFiles, MemoryStore } from './memory-document.ts';
import { type MemoryState, memoryTool } from './memory-tool.ts';

/** What an agent remembers from one run to the next. */
export interface MemoryOptions {
  /** Default `read-write`. `read-only`: it is told and never changed. `off`: it is as if there were none. */
  readonly mode?: 'off' | 'read-only' | 'read-write';
  /** Where it is kept. Encrypted where the store is. */
  readonly store: SnapshotStore;
  /** Whose memory it is: `project:gantry`, `user:42`. Runs of one namespace share it, and no other run sees it. */
  readonly namespace: string;
  /** Default 64 KiB. */
  readonly maxBytes?: number;
}

const defaultBytes = 64 * 1024;
const indexTokens = 2_000;
const maxRetries = 5;

const loadedMemory = z.object({ version: z.int(), files: z.record(z.string(), z.string()) });
const memoryChange = z.object({ files: z.record(z.string(), z.string().nullable()) });

/**
 * Gives an agent a memory. At the end of a run the model writes down what is worth keeping. It is saved without what has the
 * form of a credential, and without the harness's secrets in any form.
 */
export function memory(options: MemoryOptions): AgentExtender {
  const { mode = 'read-write', store, namespace, maxBytes = defaultBytes } = options;
  return async (context) => {
    if (mode === 'off') return {};
    const { run, family } = context;
    const kept = new MemoryStore(store, namespace);
    const loaded = await run.step('memory', () => kept.load(), {
      effects: 'none',
      schema: loadedMemory,
    });
    const state: MemoryState = { files: loaded.files };
    const section = { title: 'Memory', text: indexOf(loaded.files) };
    const tools = [memoryTool(state, mode === 'read-write', maxBytes, family)];
    if (mode === 'read-only') return { tools, section };
    const finish = async (transcript: string): Promise<void> => {
      const written = await updated(context, state.files, transcript, maxBytes);
      const files = cutToSize(withoutCredentials(written), maxBytes);
      await run.step('memory save', () => saved(kept, loaded, files), { effects: 'none' });
    };
    return { tools, section, finish };
  };
}

async function saved(kept: MemoryStore, loaded: LoadedMemory, files: MemoryFiles): Promise<number> {
  const same = JSON.stringify(sorted(loaded.files)) === JSON.stringify(sorted(files));
  return same ? loaded.version : kept.save(loaded, files);
}

function indexOf(files: MemoryFiles): string {
  const others = Object.keys(files)
    .filter((path) => path !== indexName)
    .toSorted();
  const index = files[indexName] ?? '(empty)';
  const more =
    others.length === 0 ? '' : `\n\nFurther files, by the memory tool: ${others.join(', ')}`;
  return shorten(
    `What you wrote down in earlier tasks. It may be out of date.\n\n${index.trimEnd()}${more}`,
    indexTokens,
  );
}

/** The memory after a run, by the model: what it adds, and once more, shorter, where that is too much. */
async function updated(
  context: AgentContext,
  files: MemoryFiles,
  transcript: string,
  maxBytes: number,
): Promise<MemoryFiles> {
  const task = `A task has ended. Bring the memory up to date with what will help in later tasks: facts about this project or person, what worked, what did not, decisions and their reasons. Leave out what is true of this task alone, and anything secret. ${indexName} is the index: a few lines, with a pointer to each other file. The whole may have ${maxBytes} bytes.`;
  const first = await asked(context, 'memory update', files, `${task}\n\nThe task:\n${transcript}`);
  if (sizeOf(first) <= maxBytes) return first;
  const shorter = `The memory has ${sizeOf(first)} bytes, and may have ${maxBytes}. Consolidate it: merge what says the same, drop what is old or of little use.`;
  return asked(context, 'memory consolidate', first, shorter);
}

async function asked(
  { run, model }: AgentContext,
  name: string,
  files: MemoryFiles,
  task: string,
): Promise<MemoryFiles> {
  const form =
    'Answer with JSON and nothing else: {"files": {"PATH": "the whole new text", "PATH TO REMOVE": null}}, only with files that change.';
  const prompt = `${task}\n\nThe memory now:\n${JSON.stringify(files)}\n\n${form}`;
  const text = await run.step(
    name,
    async ({ signal }) => {
      const said = await generateText({ model, prompt, maxRetries, abortSignal: signal });
      return said.text.toWellFormed();
    },
    { effects: 'none', schema: z.string() },
  );
  const change = parsed(text);
  // A model that does not keep to the form leaves the memory as it is; the journal has what it said.
  if (!change) return files;
  const next: Record<string, string> = { ...files };
  for (const [path, contents] of Object.entries(change.files)) {
    if (!/^[\w.-]+(?:\/[\w.-]+)*$/.test(path) || path.includes('..')) continue;
    if (contents === null) delete next[path];
    else next[path] = contents;
  }
  return next;
}

function parsed(text: string): z.output<typeof memoryChange> | undefined {
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  try {
    return memoryChange.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function sorted(files: MemoryFiles): readonly (readonly [string, string])[] {
  return Object.entries(files).toSorted(([left], [right]) => (left < right ? -1 : 1));
}

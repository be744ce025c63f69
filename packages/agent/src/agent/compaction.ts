import type { ModelMessage } from 'ai';
import { estimateTokens, shorten } from '../toolset/shorten.ts';

/** What the model is asked for when its context is replaced by a summary. */
export const summaryRequest = `Your context is full and will be replaced by what you write now. Write down all that is needed to go on without it: the task, what was done and found (with paths, names and numbers), what was tried and did not work, what is left to do, and what to do next. Write nothing else, and call no tool.`;

/** The messages that a conversation goes on with after its compaction: the task, and the summary. */
export function compacted(task: string, summary: string): readonly ModelMessage[] {
  return [
    { role: 'user', content: task },
    { role: 'assistant', content: `Summary of my work so far:\n\n${summary}` },
    { role: 'user', content: 'Go on with the task from where the summary ends.' },
  ];
}

/** About how many tokens messages cost. */
export function contextTokens(messages: readonly ModelMessage[]): number {
  return estimateTokens(JSON.stringify(messages));
}

/** A conversation as text, each message by its start and its end. */
export function transcriptOf(messages: readonly ModelMessage[], tokens: number): string {
  const each = Math.max(Math.floor(tokens / Math.max(messages.length, 1)), 50);
  const parts = messages.map(({ role, content }) => {
    const text = typeof content === 'string' ? content : content.map(partText).join('\n');
    return `[${role}]\n${shorten(text, each)}`;
  });
  return shorten(parts.join('\n\n'), tokens);
}

function partText(part: Exclude<ModelMessage['content'], string>[number]): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'tool-call') return `call of ${part.toolName}: ${JSON.stringify(part.input)}`;
  if (part.type !== 'tool-result') return `(${part.type})`;
  const { output } = part;
  return output.type === 'text' || output.type === 'error-text'
    ? output.value
    : JSON.stringify(output);
}

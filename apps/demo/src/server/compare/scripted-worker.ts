import { playScript, type Prompt } from '@gantry/example-clinical-records/play-script';
import type { LanguageModel } from 'ai';

/** What a command's answer ends with when it worked. */
const worked = /\[exit code 0\]\s*$/;

/**
 * Stands in for a model where there is no key for one, and does not pretend to think: it writes the task into `TASK.md`, runs each
 * line of it that begins with `$`, in order, until one fails, and says what it did.
 */
export function scriptedWorker(): LanguageModel {
  return playScript((prompt, index) => {
    const task = taskOf(prompt);
    const commands = task.split('\n').flatMap((line) => /^\s*\$\s+(.+)$/.exec(line)?.[1] ?? []);
    if (index === 0) {
      const content = task.endsWith('\n') ? task : `${task}\n`;
      return [{ tool: 'write_file', input: { path: 'TASK.md', content } }];
    }
    // What the last turn's call came to: a script, too, looks before it goes on.
    const ran = commands[index - 2];
    if (ran !== undefined && !worked.test(lastAnswer(prompt)))
      return `I am a script, not a model. I stopped at \`${ran}\`, which did not end with exit code 0.`;
    const command = commands[index - 1];
    if (command !== undefined) return [{ tool: 'shell', input: { command, yield_ms: 600_000 } }];
    const lines = `${commands.length} ${commands.length === 1 ? 'command' : 'commands'}`;
    return `I am a script, not a model. I wrote the task to TASK.md and ran the ${lines} that it has.`;
  });
}

function taskOf(prompt: Prompt): string {
  const message = prompt.find(({ role }) => role === 'user');
  if (message?.role !== 'user') return '';
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function lastAnswer(prompt: Prompt): string {
  const message = prompt.at(-1);
  const part = message?.role === 'tool' ? message.content.at(-1) : undefined;
  const output = part?.type === 'tool-result' ? part.output : undefined;
  return output?.type === 'text' ? output.value : '';
}

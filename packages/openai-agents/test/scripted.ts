import type { ScriptedModel } from '@openai/agents/testing';
import type { Sdk } from './sdk-versions.ts';

/** One call of a tool by the model; `patch` is the hosted tool `apply_patch`. */
export type ScriptedCall = readonly [tool: string, input: Readonly<Record<string, unknown>>];

/** A model that calls these tools one after the other and then says this. */
export function scripted(
  { ScriptedModel, assistantMessage, functionCall }: Sdk,
  calls: readonly ScriptedCall[],
  answer = 'done',
): ScriptedModel {
  return new ScriptedModel([
    ...calls.map(([tool, input], index) => {
      const callId = `call-${process.pid}-${index}`; // A run that goes on elsewhere has calls of both.
      if (tool !== 'patch') return [functionCall(tool, input, { callId })];
      const operation = input as { type: 'delete_file'; path: string };
      return [
        { type: 'apply_patch_call' as const, callId, status: 'completed' as const, operation },
      ];
    }),
    [assistantMessage(answer)],
  ]);
}

/** What the tools answered, in order, as the model saw it. */
export function toolOutputs(model: ScriptedModel): string[] {
  const input = model.lastCall?.request.input;
  if (!Array.isArray(input)) throw new Error('the model was not called with a list of items');
  return input.flatMap((item) => {
    if (item.type === 'apply_patch_call_output') return [`${item.status}: ${item.output ?? ''}`];
    if (item.type !== 'function_call_result') return [];
    const { output } = item;
    if (typeof output === 'string') return [output];
    return [
      !Array.isArray(output) && output.type === 'text' ? output.text : JSON.stringify(output),
    ];
  });
}

/** The output of a command, without the lines before it. */
export function shown(output: string | undefined): string {
  return (output ?? '').replace(/^[\s\S]*?\nOutput:\n/, '');
}

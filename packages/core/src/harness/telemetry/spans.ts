import type { ExitStatus } from '../../contract/exit-status.ts';
import type { CommandLine } from '../../contract/sandbox.ts';
import type { SpanStart } from './in-span.ts';

// The spans of a run: those of models and tools as OpenTelemetry's GenAI conventions name them, those of commands as its
// conventions for programs do. Paths, arguments and outputs are in no span.

/** One process's part in a run. */
export function runSpan(run: string, name: string): SpanStart {
  return {
    name: `invoke_workflow ${name}`,
    attributes: {
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': name,
      'gantry.run.id': run,
    },
  };
}

/** One try of a step, decision, artifact, fan-out or adoption. */
export function callSpan(
  run: string,
  {
    kind,
    name,
    effects,
  }: { readonly kind: string; readonly name: string; readonly effects: string },
  attempt: number,
): SpanStart {
  return {
    name: `${kind} ${name}`,
    attributes: {
      'gantry.run.id': run,
      'gantry.call.kind': kind,
      'gantry.call.name': name,
      'gantry.call.effects': effects,
      'gantry.attempt': attempt,
    },
  };
}

/** One try of a branch of a fan-out. */
export function branchSpan(run: string, fanOut: string, index: number, attempt: number): SpanStart {
  return {
    name: `branch ${fanOut}`,
    attributes: {
      'gantry.run.id': run,
      'gantry.fan_out.name': fanOut,
      'gantry.branch.index': index,
      'gantry.attempt': attempt,
    },
  };
}

/** A tool that a model called. */
export function toolSpan(tool: string): SpanStart {
  return {
    name: `execute_tool ${tool}`,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': tool,
      'gen_ai.tool.type': 'function',
    },
  };
}

/** A sandbox that is made, or made again of a snapshot. */
export function createSpan(provider: string): SpanStart {
  const attributes = { 'gantry.provider': provider };
  return { name: `create sandbox`, kind: 'client', attributes };
}

/** A workspace that is saved. */
export function checkpointSpan(run: string, sandbox: string): SpanStart {
  const attributes = { 'gantry.run.id': run, 'gantry.sandbox': sandbox };
  return { name: 'checkpoint', attributes };
}

/** A command from its start to its end. */
export function commandSpan(command: CommandLine, sandbox: string): SpanStart {
  const program =
    typeof command === 'string' ? 'sh' : command[0].slice(command[0].lastIndexOf('/') + 1);
  return {
    name: program,
    kind: 'client',
    attributes: { 'process.executable.name': program, 'gantry.sandbox': sandbox },
  };
}

/** How a command ended, where that is a failure: as its convention has it, every end but with code 0. */
export function failureOf({ code, signal }: ExitStatus): string | undefined {
  if (code === 0) return undefined;
  return code === undefined ? (signal ?? 'unknown') : `exit ${code}`;
}

import { createToolset, type Toolset } from '@gantry/agent/toolset';
import { type RestrictedSandbox, SandboxError } from '@gantry/core';
import type { ApplyPatchResult, Editor } from '@openai/agents';
import { logicalPath, sessionPath, workspaceRoot } from './session-path.ts';

/**
 * Does the SDK's patch operations with the toolset's own `apply_patch`. What does not fit is an answer that tells the model how to
 * go on, not an error. Making one touches nothing: `sandbox` is asked for when it is used.
 */
export function patchEditor(sandbox: () => RestrictedSandbox): Editor {
  let toolset: Toolset | undefined;
  const apply = async (lines: readonly string[]): Promise<ApplyPatchResult> => {
    toolset ??= createToolset(sandbox(), { tools: ['apply_patch'] });
    const patch = ['*** Begin Patch', ...lines, '*** End Patch', ''].join('\n');
    const result = await toolset.get('apply_patch')?.execute({ patch });
    if (!result) throw new SandboxError('internal', 'the toolset has no apply_patch');
    const output = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    return { status: result.isError ? 'failed' : 'completed', output };
  };
  return {
    createFile: ({ path, diff }) => apply([`*** Add File: ${patchPath(path)}`, body(diff)]),
    updateFile: ({ path, diff, moveTo }) =>
      apply([
        `*** Update File: ${patchPath(path)}`,
        ...(moveTo === undefined ? [] : [`*** Move to: ${patchPath(moveTo)}`]),
        ...(diff === '' ? [] : [body(diff)]),
      ]),
    deleteFile: ({ path }) => apply([`*** Delete File: ${patchPath(path)}`]),
  };
}

/** The path as a line of a patch has it: relative to the workspace. One with a line break would be another operation. */
function patchPath(given: string): string {
  if (/[\r\n]/.test(given)) {
    throw new SandboxError('invalid-argument', 'a path in a patch must be one line');
  }
  const absolute = sessionPath({ extraPathGrants: [] }, given);
  return absolute === workspaceRoot ? '.' : logicalPath(absolute);
}

/** The hunks, which must not end the patch and begin another one's operations. */
function body(diff: string): string {
  if (/^\*\*\* (?:Begin Patch|End Patch|Add File|Update File|Delete File|Move to)/m.test(diff)) {
    throw new SandboxError('invalid-argument', 'a diff must be of one file, without *** headers');
  }
  return diff.replace(/\r?\n$/, '');
}

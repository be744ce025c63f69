import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from '../toolset/define-tool.ts';
import type { ToolsetLimits } from '../toolset/limits.ts';
import type { Tool } from '../toolset/tool.ts';
import type { WorkspacePaths } from '../toolset/workspace-paths.ts';
import { commitPatch } from './commit-patch.ts';
import { parsePatch } from './parse-patch.ts';
import { planPatch } from './plan-patch.ts';

const description = `Changes files by a patch: all of it, or nothing where a part does not fit.

*** Begin Patch
*** Add File: notes/new.txt
+each line of the new file
*** Update File: src/app.py
*** Move to: src/main.py
@@ class App:
 a line that is kept
-a line that is removed
+a line that is added
*** Delete File: old.txt
*** End Patch

Give about three kept lines before and after each change, exactly as they are in the file. Where they occur more than once, name the class or function that they are in behind @@. "*** Move to:" is optional; "*** End of File" after a hunk says that it is at the end. Paths are relative to the workspace.`;

/** The tool that applies patches in the V4A form. */
export function applyPatchTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'apply_patch',
    description,
    input: z.object({ patch: z.string().min(1) }),
    effects: 'workspace',
    async execute({ patch }, { signal }) {
      const changes = parsePatch(patch);
      const plan = await planPatch(changes, files, paths, limits.fileBytes, signal);
      await commitPatch(plan.files, files, limits.fileBytes, signal);
      const text = ['Done.', ...plan.summary, ...plan.notes].join('\n');
      return { content: [{ type: 'text', text }], details: { changes: plan.summary } };
    },
  });
}

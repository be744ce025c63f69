import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

const input = z.object({
  path: z.string().min(1),
  content: z.string().describe('All of the file.'),
});

/** The tool that writes a whole file. */
export function writeFileTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'write_file',
    description:
      'Writes a whole file; makes missing directories, and replaces what was there. To change a part of a file use edit or apply_patch.',
    input,
    effects: 'workspace',
    async execute({ path, content }, { signal }) {
      const bytes = Buffer.byteLength(content);
      if (bytes > limits.fileBytes) {
        throw new ToolFailure(
          `${bytes} bytes are more than the ${limits.fileBytes} that can be written at once; write it in parts with the shell.`,
        );
      }
      const { path: target, shown, stat } = await paths.find(path, signal);
      if (stat && stat.type !== 'file') {
        throw new ToolFailure(`${shown} is a ${stat.type}, not a file.`);
      }
      await files.write(target, content, signal ? { signal } : {});
      return `${stat ? 'Replaced' : 'Created'} ${shown} (${bytes} bytes).`;
    },
  });
}

import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import { imageType } from './image-type.ts';
import type { ToolsetLimits } from './limits.ts';
import { requireFile } from './text-file.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

/** The tool that shows an image to the model. */
export function viewImageTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'view_image',
    description: 'Shows an image of the workspace: PNG, JPEG, GIF or WebP.',
    input: z.object({ path: z.string().min(1) }),
    effects: 'none',
    async execute({ path }, { signal }) {
      const place = await paths.find(path, signal);
      requireFile(place);
      const most = limits.imageBytes;
      const bytes = await files.readBytes(place.path, {
        length: most + 1,
        ...(signal ? { signal } : {}),
      });
      const mediaType = imageType(bytes);
      if (mediaType === undefined) {
        throw new ToolFailure(
          `${place.shown} is no PNG, JPEG, GIF or WebP image: its first bytes are ${Buffer.from(bytes.subarray(0, 8)).toString('hex') || 'none'}.`,
        );
      }
      if (bytes.length > most) {
        throw new ToolFailure(
          `${place.shown} has ${place.stat?.size ?? 'too many'} bytes, more than ${most}. Make it smaller first.`,
        );
      }
      const text = `${place.shown}: ${mediaType}, ${bytes.length} bytes`;
      const base64 = Buffer.from(bytes).toString('base64');
      return {
        content: [
          { type: 'text', text },
          { type: 'image', mediaType, base64 },
        ],
      };
    },
  });
}

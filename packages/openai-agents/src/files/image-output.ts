import { createToolset } from '@gantry/agent/toolset';
import type { RestrictedSandbox } from '@gantry/core';
import type { ToolOutputImage } from '@openai/agents';
import { tellingMissing } from './missing-path-error.ts';

/** The SDK's own limit. */
const mostBytes = 10 * 1024 * 1024;

/**
 * An image for the model, by the toolset's own `view_image`: its kind is told by the bytes, not by the name. The words of the errors
 * are those by which the SDK decides what to tell the model.
 */
export async function imageOutput(
  sandbox: RestrictedSandbox,
  path: string,
  shown: string,
): Promise<ToolOutputImage> {
  const what = `Image file ${shown}`;
  const { type, size } = await tellingMissing(what, () => sandbox.files.stat(path));
  if (type !== 'file' && type !== 'symlink') throw new Error(`${what} is not a file`);
  if (size > mostBytes) throw new Error(`${what} exceeds the 10 MB limit`);
  await using toolset = createToolset(sandbox, {
    tools: ['view_image'],
    limits: { imageBytes: mostBytes },
  });
  const result = await toolset.get('view_image')?.execute({ path });
  const image = result?.content.find((part) => part.type === 'image');
  if (image) return { type: 'image', image: { data: image.base64, mediaType: image.mediaType } };
  const said = result?.content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
  throw new Error(`Unsupported image format: ${shown}: ${said}`);
}

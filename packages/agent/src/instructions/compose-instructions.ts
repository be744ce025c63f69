import type { Manifest, RestrictedSandbox } from '@gantry/core';
import { renderTree } from '../toolset/list-files-tool.ts';
import { shorten } from '../toolset/shorten.ts';
import { shownPath, workspaceRoot } from '../toolset/workspace-paths.ts';
import { findAgentsFiles } from './agents-files.ts';
import { describeManifest } from './describe-manifest.ts';

/** What a model is told before it begins, and how much room that takes. */
export interface InstructionsOptions {
  /** The caller's own words. They come first. */
  readonly instructions?: string;
  /** Absolute; default the workspace. */
  readonly workingDirectory?: string;
  /** Outputs, mounts and network are told of. */
  readonly manifest?: Manifest;
  /** Bytes of `AGENTS.md` files together. Default 32 KiB; 0 leaves them out. */
  readonly agentsBytes?: number;
  /** Tokens of the drawn file tree. Default 1,000; 0 leaves it out. */
  readonly treeTokens?: number;
  /** Further parts, each with its title. */
  readonly sections?: readonly { readonly title: string; readonly text: string }[];
}

const treeDepth = 4;
const treeEntries = 400;

/** What a model is told of its workspace, in the order in which the later may refine the earlier. */
export async function composeInstructions(
  sandbox: RestrictedSandbox,
  options: InstructionsOptions = {},
): Promise<string> {
  const {
    instructions,
    workingDirectory = workspaceRoot,
    manifest,
    agentsBytes = 32 * 1024,
    treeTokens = 1_000,
    sections = [],
  } = options;
  const parts: string[] = instructions === undefined ? [] : [instructions];
  const about = [
    `You work in a sandbox. Your files are in ${workspaceRoot}; relative paths and commands start in ${workingDirectory}.`,
    ...(manifest ? describeManifest(manifest) : []),
  ];
  parts.push(`# Workspace\n${about.join('\n')}`);
  if (treeTokens > 0) {
    const tree = await renderTree(sandbox.files, workingDirectory, {
      depth: treeDepth,
      entries: treeEntries,
    });
    const more = tree.complete ? [] : ['[there are more]'];
    const text = shorten([...tree.lines, ...more].join('\n'), treeTokens);
    const title = `# Files of ${shownPath(workingDirectory) === '.' ? workspaceRoot : workingDirectory}`;
    parts.push(`${title}\n${text === '' ? '(none)' : text}`);
  }
  const found =
    agentsBytes > 0 ? await findAgentsFiles(sandbox, workingDirectory, agentsBytes) : [];
  for (const { path, text } of found) parts.push(`# From ${path}\n${text.trimEnd()}`);
  for (const { title, text } of sections) parts.push(`# ${title}\n${text}`);
  return parts.join('\n\n');
}

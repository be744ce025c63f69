import { randomBytes } from 'node:crypto';
import { type RestrictedSandbox, SandboxError } from '@gantry/core';
import { applyPatchTool } from '../patch/apply-patch-tool.ts';
import { editTool } from './edit-tool.ts';
import { globTool } from './glob-tool.ts';
import { grepTool } from './grep-tool.ts';
import { defaultLimits, type ToolsetLimits } from './limits.ts';
import { listFilesTool } from './list-files-tool.ts';
import { readFileTool } from './read-file-tool.ts';
import { ShellSessions } from './shell-sessions.ts';
import { shellTool } from './shell-tool.ts';
import type { Tool } from './tool.ts';
import { viewImageTool } from './view-image-tool.ts';
import { WorkspacePaths, workspaceRoot } from './workspace-paths.ts';
import { writeFileTool } from './write-file-tool.ts';

/** The tools that a toolset may have. */
export type ToolName =
  | 'shell'
  | 'apply_patch'
  | 'read_file'
  | 'write_file'
  | 'edit'
  | 'list_files'
  | 'grep'
  | 'glob'
  | 'view_image';

/** How a toolset is made. */
export interface ToolsetOptions {
  /** Which tools there are. Default: all. */
  readonly tools?: readonly ToolName[];
  /** Where relative paths and commands start: a directory of the workspace. Default `/workspace`. */
  readonly workingDirectory?: string;
  readonly limits?: Partial<ToolsetLimits>;
  /**
   * Names what the shell hands on from one command to the next; a toolset of the same name over the same sandbox goes on from
   * it. Letters, digits and dashes. Default: a name of its own.
   */
  readonly shellState?: string;
}

/** Tools over one sandbox. Dispose it: commands that still run are then killed. */
export interface Toolset extends AsyncDisposable {
  readonly tools: readonly Tool[];
  /** The tool of that name. */
  get(name: string): Tool | undefined;
  /** What the tools stand on, for other presentations of the same. */
  readonly parts: ToolsetParts;
  /** Kills commands that still run. Idempotent. */
  close(): Promise<void>;
}

/** What the tools of one toolset share. */
export interface ToolsetParts {
  readonly sandbox: RestrictedSandbox;
  readonly paths: WorkspacePaths;
  readonly sessions: ShellSessions;
  readonly limits: ToolsetLimits;
}

/** Makes the tools that a model drives a sandbox with. Their paths stay in the workspace, and their outputs are bounded. */
export function createToolset(sandbox: RestrictedSandbox, options: ToolsetOptions = {}): Toolset {
  const { workingDirectory = workspaceRoot, shellState = randomBytes(6).toString('hex') } = options;
  if (!/^[A-Za-z0-9-]{1,100}$/.test(shellState)) {
    throw refused(
      `shellState ${JSON.stringify(shellState)} has more than letters, digits and dashes`,
    );
  }
  const limits = { ...defaultLimits, ...options.limits };
  const { files } = sandbox;
  const start = new WorkspacePaths(files, workspaceRoot).absolute(workingDirectory);
  const paths = new WorkspacePaths(files, start);
  const sessions = new ShellSessions(sandbox, limits, start, shellState);
  const all: Record<ToolName, Tool> = {
    shell: shellTool(sessions, paths, limits),
    apply_patch: applyPatchTool(files, paths, limits),
    read_file: readFileTool(files, paths, limits),
    write_file: writeFileTool(files, paths, limits),
    edit: editTool(files, paths, limits),
    list_files: listFilesTool(files, paths, limits),
    grep: grepTool(sandbox, paths, limits),
    glob: globTool(sandbox, paths, limits),
    view_image: viewImageTool(files, paths, limits),
  };
  const wanted: ReadonlySet<string> = new Set(options.tools ?? Object.keys(all));
  const unknown = [...wanted].find((name) => !(name in all));
  if (unknown !== undefined) {
    throw refused(`there is no tool ${unknown}; there are ${Object.keys(all).join(', ')}`);
  }
  const tools = Object.values(all).filter(({ name }) => wanted.has(name));
  return {
    tools,
    get: (name) => tools.find((tool) => tool.name === name),
    parts: { sandbox, paths, sessions, limits },
    close: () => sessions.close(),
    [Symbol.asyncDispose]: () => sessions.close(),
  };
}

function refused(what: string): SandboxError {
  return new SandboxError('invalid-argument', `createToolset: ${what}`, {
    operation: 'createToolset',
  });
}

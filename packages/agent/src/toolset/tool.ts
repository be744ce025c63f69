import type { z } from 'zod';

/** One part of what a tool answers. */
export type ToolContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly base64: string };

/** A value that survives JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What a tool answers. Plain JSON, so that a journal can keep it. */
export interface ToolResult {
  /** For the model. */
  readonly content: readonly ToolContent[];
  /** True for what the model can mend by another call: a missing file, a patch that does not fit. */
  readonly isError: boolean;
  /** The same for programs, where a tool has more to say than text. */
  readonly details?: Readonly<Record<string, JsonValue>>;
}

/** What a call of a tool is told beside its input. */
export interface ToolContext {
  /** Gives up on the call; a command that it waits for is killed. */
  readonly signal?: AbortSignal;
}

/** Something that a model can call. */
export interface Tool {
  readonly name: string;
  /** For the model. */
  readonly description: string;
  readonly input: z.ZodObject;
  /** `none`: changes nothing in the workspace. */
  readonly effects: 'workspace' | 'none';
  /**
   * Input is checked here. What the model can mend is a result with `isError`; what it cannot (the sandbox is gone, the call
   * was given up, a run must wait for an answer) rejects.
   */
  execute(input: unknown, context?: ToolContext): Promise<ToolResult>;
}

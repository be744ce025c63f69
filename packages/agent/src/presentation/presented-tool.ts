import type { JsonValue, Tool, ToolResult } from '../toolset/tool.ts';

/** A tool in the form in which a model is given it. */
export interface PresentedTool extends Tool {
  /** Present for a tool that the model's vendor defines: the model is sent this instead of a description and a schema. */
  readonly native?: {
    readonly id: `${string}.${string}`;
    readonly args: Readonly<Record<string, JsonValue>>;
  };
  /** The JSON Schema that the model is sent, where it is not the one of `input`. */
  readonly schema?: Readonly<Record<string, JsonValue>>;
  /** How a result is said in the vendor's own terms. Default: its content. */
  readonly output?: (result: ToolResult) => JsonValue;
  /**
   * Called in place of `execute`, outside of a step: it makes steps of its own, a fan-out say, so that what was finished in it
   * is not repeated.
   */
  readonly perform?: (input: unknown) => Promise<ToolResult>;
  /**
   * Told each result, also one that a journal gave back without a call: a tool with a state of its own in this process takes
   * it from there.
   */
  readonly remember?: (result: ToolResult) => void;
}

/** The families of models that tools are presented to. */
export type ToolFamily = 'openai' | 'anthropic' | 'function';

import type { Manifest } from '@gantry/core';
import type { RunScope } from '@gantry/core/harness';
import type { LanguageModel } from 'ai';
import type { PresentedTool, ToolFamily } from '../presentation/presented-tool.ts';
import type { ToolsetOptions } from '../toolset/create-toolset.ts';
import type { Tool } from '../toolset/tool.ts';

/** What an agent is given for the time of one run beside its toolset. */
export interface AgentExtension {
  /** Tools for the model. */
  readonly tools?: readonly PresentedTool[];
  /** A part of the instructions. */
  readonly section?: { readonly title: string; readonly text: string };
  /** Called when the model has ended, with all that was said; its steps belong to the run. */
  readonly finish?: (transcript: string) => Promise<void>;
  /** Called in any case when this process is done with the run. */
  readonly close?: () => Promise<void>;
}

/** What an extension is made for. */
export interface AgentContext {
  readonly run: RunScope;
  readonly model: LanguageModel;
  readonly family: ToolFamily;
}

/** Makes an extension for one run. What it does to the world goes into steps of the run. */
export type AgentExtender = (context: AgentContext) => Promise<AgentExtension>;

/** How an agent is made. */
export interface AgentOptions {
  /** Any model of the AI SDK. */
  readonly model: LanguageModel;
  /** The caller's own words to the model. */
  readonly instructions?: string;
  readonly toolset?: Omit<ToolsetOptions, 'shellState'>;
  /** In which form the tools are presented. Default: that of the model's own family. */
  readonly presentation?: ToolFamily;
  /** Further tools. Their effects on the outside world happen at least once. */
  readonly tools?: readonly Tool[];
  /** Skills, memory, MCP servers, subagents. */
  readonly extensions?: readonly AgentExtender[];
  /** The manifest that the run's sandbox is made of: its outputs, mounts and network are told to the model. */
  readonly manifest?: Manifest;
  /** How often the model is asked, at most. Default 100. */
  readonly maxTurns?: number;
  /** Tokens of context from which on it is compacted: replaced by a summary that the model writes. Default 120,000. */
  readonly compactAtTokens?: number;
  /** How often a call of the model is tried again when its provider fails. Default 5. */
  readonly maxRetries?: number;
  /** Tokens of one answer. Default: the model's own. */
  readonly maxOutputTokens?: number;
}

/** What became of a task. Plain JSON. */
export interface AgentResult {
  /** What the model said last. */
  readonly text: string;
  /** `max-turns`: it had not ended when it had been asked that often. `refused`: its provider withheld the answer. */
  readonly status: 'finished' | 'max-turns' | 'refused';
  readonly turns: number;
  readonly toolCalls: number;
  readonly compactions: number;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

/** An agent. It keeps nothing between runs and may work on several at once. */
export interface Agent {
  /**
   * Works on a task in the sandbox of a durable run or branch. Each turn of the model and each call of a tool is a step:
   * where the process is killed, `harness.resume` goes on and repeats nothing that was recorded. A policy's `ask` suspends the run.
   */
  run(run: RunScope, input: string): Promise<AgentResult>;
}

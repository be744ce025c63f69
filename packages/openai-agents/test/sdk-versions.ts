import * as agents from '@openai/agents';
import * as sandbox from '@openai/agents/sandbox';
import * as localSandbox from '@openai/agents/sandbox/local';
import * as testing from '@openai/agents/testing';
import * as agents018 from 'openai-agents-0.18';
import * as sandbox018 from 'openai-agents-0.18/sandbox';
import * as localSandbox018 from 'openai-agents-0.18/sandbox/local';
import * as testing018 from 'openai-agents-0.18/testing';
import * as agents019 from 'openai-agents-0.19';
import * as sandbox019 from 'openai-agents-0.19/sandbox';
import * as localSandbox019 from 'openai-agents-0.19/sandbox/local';
import * as testing019 from 'openai-agents-0.19/testing';

/** One unmodified copy of the SDK. */
export type Sdk = typeof agents & typeof sandbox & typeof localSandbox & typeof testing;

const copies: Readonly<Record<string, object>> = {
  '0.18': { ...agents018, ...sandbox018, ...localSandbox018, ...testing018 },
  '0.19': { ...agents019, ...sandbox019, ...localSandbox019, ...testing019 },
  '0.20': { ...agents, ...sandbox, ...localSandbox, ...testing },
};

/** Every version that the package is for. The types of the newest stand for all. */
export const sdkVersions: readonly string[] = Object.keys(copies);

/** The copy of this version. */
export function sdk(version: string): Sdk {
  const copy = copies[version];
  if (!copy) throw new Error(`no copy of the SDK ${version} is installed`);
  return copy as Sdk;
}

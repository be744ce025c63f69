import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Sandbox } from '@gantry/core';
import { account, type DaytonaSandbox } from '../daytona-sandbox.ts';
import { requireReal } from '../sandbox-checks.ts';

/** What comes with a request to a sandbox's daemon. */
export interface ToolboxBindings extends HttpBindings {
  readonly sandbox: DaytonaSandbox;
}

/** A request to a sandbox's daemon. */
export type ToolboxContext = Context<{ Bindings: ToolboxBindings }>;

/** The real sandbox that a request is about. */
export function guestOf(c: ToolboxContext): Sandbox {
  return requireReal(c.env.sandbox).sandbox;
}

/** The absolute path that the daemon means: others start at the user's home. */
export function guestPath(path: string | undefined): string {
  if (path === undefined || path === '' || path === '~') return account.home;
  if (path.startsWith('~/')) return `${account.home}/${path.slice(2)}`;
  return path.startsWith('/') ? path : `${account.home}/${path}`;
}

import type { Context } from 'hono';
import { ApiError } from './api-error.ts';
import type { DaytonaSandbox } from './daytona-sandbox.ts';
import type { DaytonaSandboxes } from './sandboxes.ts';

/** Most items of a page, and as many as there are by default. */
const pageSize = 200;
const defaultSize = 100;

/** One page of the sandboxes that the query asks for, newest first. */
export function listPage(c: Context, sandboxes: DaytonaSandboxes): Response {
  const { cursor, limit, id, name, labels } = c.req.query();
  const states = c.req.queries('states') ?? [];
  const wanted = readLabels(labels);
  const found = sandboxes.list().filter((sandbox) => {
    const state = sandbox.state !== 'destroyed' && sandbox.state !== 'destroying';
    return (
      (states.length > 0 ? states.includes(sandbox.state) : state) &&
      (id === undefined || sandbox.id.startsWith(id)) &&
      (name === undefined || sandbox.name.startsWith(name)) &&
      Object.entries(wanted).every(([label, value]) => sandbox.labels[label] === value)
    );
  });
  const sorted = found.toSorted((a, b) => -compare(a, b));
  const size = Number(limit ?? defaultSize);
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    throw new ApiError(400, `limit must be from 1 to ${pageSize}`);
  }
  // The cursor names the last item of the page before, which may be gone by now.
  const last = cursor === undefined ? undefined : readCursor(cursor);
  const rest = last ? sorted.filter((sandbox) => compare(sandbox, last) < 0) : sorted;
  const page = rest.slice(0, size);
  const end = page.at(-1);
  const nextCursor = end && rest.length > size ? cursorOf(end) : null;
  return c.json({ items: page.map((sandbox) => sandboxes.view(sandbox)), nextCursor });
}

type Position = Pick<DaytonaSandbox, 'createdAt' | 'id'>;

function compare(a: Position, b: Position): number {
  return a.createdAt - b.createdAt || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1);
}

function cursorOf({ createdAt, id }: Position): string {
  return Buffer.from(`${createdAt}_${id}`).toString('base64url');
}

function readCursor(cursor: string): Position {
  const match = /^(\d+)_([0-9a-f-]+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) throw new ApiError(400, 'the cursor is not one of ours');
  return { createdAt: Number(match[1]), id: match[2] ?? '' };
}

function readLabels(json: string | undefined): Readonly<Record<string, string>> {
  if (json === undefined) return {};
  try {
    const value: unknown = JSON.parse(json);
    return Object.fromEntries(
      Object.entries(value ?? {}).map(([name, text]) => [name, String(text)]),
    );
  } catch {
    throw new ApiError(400, 'labels must be JSON');
  }
}

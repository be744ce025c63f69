import type { Context } from 'hono';
import { ApiError } from './api-error.ts';
import type { E2bSandbox, E2bSandboxes } from './e2b-sandbox.ts';
import { listedSandbox } from './sandbox-view.ts';

/** Most items of a page, and as many as there are by default. */
const pageSize = 100;

/** One page of the sandboxes that the query asks for, newest first. */
export function listPage(c: Context, sandboxes: E2bSandboxes, states: readonly string[]): Response {
  const { state, metadata, template, startedAfter, order, limit, nextToken } = c.req.query();
  const wantedStates = state === undefined ? states : state.split(',');
  const wanted = readMetadata(metadata ?? '');
  const after = startedAfter === undefined ? -Infinity : Date.parse(startedAfter);
  const found = sandboxes
    .list()
    .filter(
      ({ details, startedAt, state: actual }) =>
        wantedStates.includes(actual === 'suspended' ? 'paused' : 'running') &&
        Object.entries(wanted).every(
          ([name, value]) => (details.request.metadata ?? {})[name] === value,
        ) &&
        (template === undefined || details.request.templateID === template) &&
        startedAt > after,
    );
  const sorted = found.toSorted((a, b) => a.startedAt - b.startedAt || compareIds(a, b));
  if (order !== 'asc') sorted.reverse();
  const size = Number(limit ?? pageSize);
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    throw new ApiError(400, `limit must be from 1 to ${pageSize}`);
  }
  // The token names the last item of the page before, which may be gone by now.
  const begin = nextToken === undefined ? 0 : positionAfter(sorted, nextToken, order === 'asc');
  const page = sorted.slice(begin, begin + size);
  const last = page.at(-1);
  if (last && begin + size < sorted.length) c.header('x-next-token', tokenOf(last));
  return c.json(page.map(listedSandbox));
}

/** The query's value is a query itself, whose names and values are encoded once more. */
function readMetadata(text: string): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(
      [...new URLSearchParams(text)].map(([name, value]) => [
        decodeURIComponent(name),
        decodeURIComponent(value),
      ]),
    );
  } catch {
    throw new ApiError(400, `metadata ${JSON.stringify(text)} is not encoded as it must be`);
  }
}

function compareIds(a: E2bSandbox, b: E2bSandbox): number {
  return a.id < b.id ? -1 : 1;
}

function tokenOf({ startedAt, id }: E2bSandbox): string {
  return Buffer.from(`${startedAt}_${id}`).toString('base64url');
}

function positionAfter(sorted: readonly E2bSandbox[], token: string, ascending: boolean): number {
  const match = /^(\d+)_([a-z0-9]+)$/.exec(Buffer.from(token, 'base64url').toString());
  if (!match) throw new ApiError(400, 'nextToken is not one of ours');
  const [, time = '', id = ''] = match;
  const sign = ascending ? 1 : -1;
  const past = sorted.findIndex((item) => {
    const order = item.startedAt - Number(time) || (item.id === id ? 0 : item.id < id ? -1 : 1);
    return order * sign > 0;
  });
  return past === -1 ? sorted.length : past;
}

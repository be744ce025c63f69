import { badRequest } from './api-error.ts';

/** Most items of a page, and as many as there are by default. */
const pageSize = 100;
const defaultSize = 20;

/** What a list is asked for. */
export interface PageQuery {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
  readonly sortOrder?: string | undefined;
}

/** One page of items, which are given in descending order, and where the next begins. The cursor names the last item of a page. */
export function pageOf<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  { limit, cursor, sortOrder = 'desc' }: PageQuery,
): { readonly page: readonly Item[]; readonly pagination: { count: number; next: string | null } } {
  const size = Number(limit ?? defaultSize);
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    throw badRequest(`limit must be from 1 to ${pageSize}`);
  }
  const ordered = sortOrder === 'asc' ? items.toReversed() : items;
  const last = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  const at = cursor === undefined ? -1 : ordered.findIndex((item) => keyOf(item) === last);
  if (cursor !== undefined && at < 0) throw badRequest('the cursor names nothing that is there');
  const page = ordered.slice(at + 1, at + 1 + size);
  const end = page.at(-1);
  const more = end !== undefined && at + 1 + size < ordered.length;
  const next = more ? Buffer.from(keyOf(end)).toString('base64url') : null;
  return { page, pagination: { count: page.length, next } };
}

import type { CreateRequest } from '@gantry/core/driver';

const idKey = 'gantry-id';
const endKey = 'gantry-ends-at';

/** Labels as the vendor's metadata, with what finds a sandbox again whose create was cut off. */
export function toMetadata(request: CreateRequest): Record<string, string> {
  const endsAt = Date.now() + request.maxLifetimeMs;
  return { ...request.labels, [idKey]: request.id, [endKey]: String(Math.ceil(endsAt)) };
}

/** The labels that were given at create. */
export function toLabels(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const { [idKey]: _id, [endKey]: _end, ...labels } = metadata;
  return labels;
}

/** The metadata that one create's sandbox carries, and no other. */
export function ofCreate(request: CreateRequest): Record<string, string> {
  return { [idKey]: request.id };
}

/** Milliseconds that are left of a sandbox's life; all of the default for one that Gantry did not make. */
export function remainingMs(metadata: Readonly<Record<string, string>>): number {
  const endsAt = Number(metadata[endKey] ?? Number.NaN);
  return Number.isNaN(endsAt) ? 300_000 : endsAt - Date.now();
}

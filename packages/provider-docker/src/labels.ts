/** What this provider writes on the daemon's objects. It lists and removes nothing that does not carry `kind`. */
export const ownLabels = {
  /** `sandbox` or `carrier` on a container, `prepared`, `snapshot` or `fork` on an image, `network`. */
  kind: 'dev.gantry.kind',
  /** On a container: Gantry's id of the sandbox. */
  id: 'dev.gantry.id',
  /** On a container: the request's labels as JSON; one label, since those of an image are inherited one by one. */
  labels: 'dev.gantry.labels',
  /** On a container: when it ends by itself, in milliseconds since the Unix epoch. */
  expiresAt: 'dev.gantry.expires-at',
  /** On a container: `read-only` or `copy-on-write`. */
  root: 'dev.gantry.root',
  /** On a container or image: id of the image that it was prepared from. */
  base: 'dev.gantry.base',
  /** On a container or image: `uid:gid` that owns the workspace. */
  owner: 'dev.gantry.owner',
  /** On a container or image: `none` where the image has no `/bin/sh`. */
  shell: 'dev.gantry.shell',
  /** On a container: image that is removed with the last container of it, or nothing. */
  forkImage: 'dev.gantry.fork-image',
} as const;

/** The request's labels of a container. Anyone who may use the daemon can write them: checked. */
export function requestLabels(text: string | undefined): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '{}');
  } catch {
    return {}; // Not written by this provider.
  }
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

import path from 'node:path';

const here = import.meta.dirname;

/** Module paths of the subjects that the suite is tested with. */
export const subjects = {
  /** No isolation, and nearly every capability. */
  directory: path.join(here, 'directory-subject.ts'),
  nothing: path.join(here, 'nothing-subject.ts'),
  weakOpen: path.join(here, 'weak-open.ts'),
  weakCapable: path.join(here, 'weak-capable.ts'),
  /** Isolation, as the repository's own local provider gives it. */
  local: path.join(here, '../../provider-local/dist/index.js'),
  /** The same, behind a proxy of the host that enforces allow-lists and holds secrets. */
  proxied: path.join(here, '../../egress/test/conformance-subject.ts'),
} as const;

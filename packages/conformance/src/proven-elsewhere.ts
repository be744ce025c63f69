const stores = "core's own tests, and storeChecks of @gantry/core/testing: a store is no provider";
const portable = "core's own tests (test/snapshot): the profile of snapshots is not written yet";

/** MUSTs of the specification that no check of this suite shows, and where they are proven instead. */
export const provenElsewhere: Readonly<Record<string, string>> = {
  'manifest-git-pinned':
    "core's own tests: resolving git needs a server with a certificate, and no driver takes part in it",
  ...Object.fromEntries(
    ['whole', 'absent', 'if-absent', 'key', 'encrypted'].map((name) => [`store-${name}`, stores]),
  ),
  'verify-names': stores,
  'prune-safe': stores,
  ...Object.fromEntries(
    [
      ...['exact', 'unaltered', 'skipped', 'evidence', 'incremental', 'changing', 'complete'],
      ...['digested', 'secrets', 'last'],
    ].map((name) => [`snapshot-${name}`, portable]),
  ),
  ...Object.fromEntries(
    ['exact', 'verified', 'missing', 'nothing-left', 'limits', 'native'].map((name) => [
      `rehydrate-${name}`,
      portable,
    ]),
  ),
  'recover-receipt': portable,
  'recover-no-silence': portable,
  'fork-way': portable,
};

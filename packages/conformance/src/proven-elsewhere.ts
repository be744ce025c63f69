const stores = "core's own tests, and storeChecks of @gantry/core/testing: a store is no provider";

/** MUSTs of the specification that no check of this suite shows, and where they are proven instead. */
export const provenElsewhere: Readonly<Record<string, string>> = {
  'manifest-git-pinned':
    "core's own tests: resolving git needs a server with a certificate, and no driver takes part in it",
  'snapshot-changing':
    "core's own tests: whether a file is met while it changes is up to chance in a sandbox",
  'snapshot-digested': "core's own tests: it takes a guest whose tools send what no tool sends",
  'rehydrate-native':
    "core's own tests: it takes native snapshots that are gone, expired and different",
  'store-whole': stores,
  'store-absent': stores,
  'store-if-absent': stores,
  'store-key': stores,
  'store-encrypted': stores,
  'verify-names': stores,
  'prune-safe': stores,
};

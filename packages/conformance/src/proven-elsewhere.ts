/** MUSTs of the specification that no provider can break, and where they are proven instead. */
export const provenElsewhere: Readonly<Record<string, string>> = {
  'driver-plain': "core's own tests: defineProvider refuses such a driver, so no subject has one",
  'manifest-git-pinned':
    "core's own tests: resolving git needs a server, and no driver takes part in it",
  'manifest-git-safe': "core's own tests: git runs on the host, and no driver takes part in it",
};

/** MUSTs of the specification that no provider can break, and where they are proven instead. */
export const provenElsewhere: Readonly<Record<string, string>> = {
  'changes-complete': "the providers' own tests: no public operation reaches changes yet",
  'changes-confined': "the providers' own tests: no public operation reaches changes yet",
  'terminal-keys': "the providers' own tests: which job a key reaches is the kernel's doing",
  'ports-life': "the providers' own tests: an endpoint may live in the process that exposed it",
  'watch-overflow': "the providers' own tests: losing events takes a provider's own limit",
  'watch-links': 'watch/ends asserts it beside watch-end',
  'driver-plain': "core's own tests: defineProvider refuses such a driver, so no subject has one",
  'manifest-git-pinned':
    "core's own tests: resolving git needs a server, and no driver takes part in it",
  'manifest-git-safe': "core's own tests: git runs on the host, and no driver takes part in it",
};

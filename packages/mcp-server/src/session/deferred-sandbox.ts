import type { Files, RestrictedSandbox, Sandbox } from '@gantry/core';

/** A sandbox that is made when it is first used. */
export function deferredSandbox(get: () => Promise<Sandbox>): RestrictedSandbox {
  const files = async (): Promise<Files> => (await get()).files;
  return {
    exec: async (...given) => (await get()).exec(...given),
    spawn: async (...given) => (await get()).spawn(...given),
    files: {
      read: async (...given) => (await files()).read(...given),
      readBytes: async (...given) => (await files()).readBytes(...given),
      readText: async (...given) => (await files()).readText(...given),
      write: async (...given) => (await files()).write(...given),
      list: async (...given) => (await files()).list(...given),
      stat: async (...given) => (await files()).stat(...given),
      exists: async (...given) => (await files()).exists(...given),
      move: async (...given) => (await files()).move(...given),
      remove: async (...given) => (await files()).remove(...given),
      makeDirectory: async (...given) => (await files()).makeDirectory(...given),
      symlink: async (...given) => (await files()).symlink(...given),
      setMode: async (...given) => (await files()).setMode(...given),
      async *watch(...given) {
        yield* (await files()).watch(...given);
      },
    },
  };
}

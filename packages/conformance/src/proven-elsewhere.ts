/** MUSTs of the specification that no subject can show, and where they are proven instead. */
export const provenElsewhere: Readonly<Record<string, string>> = {
  'manifest-git-pinned':
    "core's own tests: resolving git needs a server with a certificate, and no driver takes part in it",
};

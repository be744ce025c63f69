/** How far a sandbox's network reaches. */
export type NetworkMode = 'none' | 'allow-list' | 'open';

/** What a sandbox may reach over the network. The default everywhere is `none`. */
export type NetworkPolicy =
  | { readonly mode: 'none' }
  | { readonly mode: 'open' }
  | {
      readonly mode: 'allow-list';
      /** Host names (a leading `*.` matches any subdomain) or CIDR blocks, each with an optional `:port`. */
      readonly allow: readonly string[];
    };

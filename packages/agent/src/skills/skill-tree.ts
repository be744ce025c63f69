/** What is in one directory of a tree. */
export interface TreeEntry {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
}

/** A tree of files: of the host, of a sandbox, of a commit. */
export interface SkillTree {
  readonly list: (place: string) => Promise<readonly TreeEntry[]>;
  readonly read: (place: string) => Promise<Uint8Array>;
}

import type { NetworkPolicy } from './network.ts';
import type { ResourceRequest } from './create-request.ts';
import type { ExposedSecret, SecretRule } from './secret-rule.ts';

/** A file whose contents are in the manifest itself, as text or base64. At most 4 MiB. */
export interface FileEntry {
  readonly type: 'file';
  readonly text?: string;
  readonly base64?: string;
  /** Octal text such as `0755`. Default `0644`. */
  readonly mode?: string;
}

/** An empty directory. */
export interface DirectoryManifestEntry {
  readonly type: 'dir';
  /** Default `0755`. */
  readonly mode?: string;
}

/** One file of the host, copied. */
export interface LocalFileEntry {
  readonly type: 'localFile';
  /** Relative to the manifest's own directory, or absolute. */
  readonly source: string;
  /** Default: the source's own permission bits. */
  readonly mode?: string;
}

/**
 * A directory of the host, copied with its modes, times, empty directories and the symbolic links that
 * stay inside it. A link that leads out, a socket, a fifo or a device is refused; hard links become files.
 */
export interface LocalDirectoryEntry {
  readonly type: 'localDir';
  /** Relative to the manifest's own directory, or absolute; a link here is followed. */
  readonly source: string;
  /** Patterns in `.gitignore` syntax of what to leave out. */
  readonly exclude?: readonly string[];
}

/**
 * A commit of a git repository, without its history. It is fetched on the host, which alone can vouch for the
 * commit, and arrives with a `.git` that knows no remote. Submodules stay empty; no filter or hook runs.
 */
export interface GitEntry {
  readonly type: 'git';
  /** `https://`, `ssh://` or `user@host:path`, without a credential. Keys for ssh come from the SSH agent. */
  readonly url: string;
  /** Branch, tag or full commit id. Default `HEAD`. A plan pins it to a commit. */
  readonly ref?: string;
  /**
   * Reference of the credential for https: `env:NAME`, `file:/path`, or a term of the secret resolver. Its value
   * is a token or `user:password`. Never left in the clone, and never sent to another host.
   */
  readonly secret?: string;
}

/**
 * A tar file of the host (plain, gzip or zstd, told apart by its contents), unpacked. One with anything in it
 * that leads out, or that is no file, directory or link, is refused whole; special mode bits are taken off.
 */
export interface ArchiveEntry {
  readonly type: 'archive';
  readonly source: string;
  /** Expected digest of the file, in hexadecimal. */
  readonly sha256?: string;
}

/** A path that the work is expected to leave behind, for `collect`. */
export interface OutputEntry {
  readonly type: 'output';
  /** `dir` (the default) is made empty at the start; of a `file` only the parents are made. */
  readonly kind?: 'file' | 'dir';
  /** Whether a missing output fails `collect`. Default false. */
  readonly required?: boolean;
}

/** An existing path of the host, seen in the sandbox rather than copied. */
export interface HostMountEntry {
  readonly type: 'hostMount';
  readonly source: string;
  /** Default false: read-only. */
  readonly writable?: boolean;
}

/** A prefix of an object-store bucket, seen as a directory. */
export interface BucketMountEntry {
  readonly type: 's3' | 'gcs' | 'r2' | 'azureBlob';
  /** Bucket, or Azure container. */
  readonly bucket: string;
  readonly prefix?: string;
  /** Azure: the storage account. R2: the account id. */
  readonly account?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly writable?: boolean;
  /** Reference of the credential. */
  readonly secret?: string;
}

/** One item of a workspace. */
export type ManifestEntry =
  | FileEntry
  | DirectoryManifestEntry
  | LocalFileEntry
  | LocalDirectoryEntry
  | GitEntry
  | ArchiveEntry
  | OutputEntry
  | HostMountEntry
  | BucketMountEntry;

/** What a fresh workspace contains and what its sandbox needs. Normative text: docs/spec.md, part "Manifest". */
export interface Manifest {
  readonly spec: 'gantry-manifest/1';
  readonly name?: string;
  /** Image or template, in the provider's own terms. */
  readonly image?: string;
  readonly root?: 'read-only' | 'copy-on-write';
  readonly privilege?: 'none' | 'guest-root';
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Environment variable name -> the secret that stands behind it. The sandbox gets a placeholder; the value is put into requests
   * to the secret's hosts on their way out. Hosts of secrets are not thereby allowed by `network`. One that is exposed is in the
   * sandbox's environment.
   */
  readonly secrets?: Readonly<Record<string, SecretRule | ExposedSecret>>;
  readonly network?: NetworkPolicy;
  readonly resources?: ResourceRequest;
  /** Workspace-relative path -> what is there. */
  readonly entries?: Readonly<Record<string, ManifestEntry>>;
  /** Commands run in `/workspace` after the entries are in place, in order; a failure fails the create. */
  readonly setup?: readonly (string | readonly [string, ...string[]])[];
  readonly ports?: readonly number[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly maxLifetimeMs?: number;
}

/** What is at one path of the workspace after materializing. */
export interface ReceiptEntry {
  /** Workspace-relative. Bytes that are not UTF-8 are written `\xNN`, a backslash `\\`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Octal text. `0777` for symbolic links. */
  readonly mode: string;
  /** Bytes; 0 for directories, the length of its target for a symbolic link. */
  readonly size: number;
  /**
   * Of the bytes of a file: as read back in the sandbox when materializing (absent where the file's own mode
   * keeps its owner from reading it), as written by the host when collecting.
   */
  readonly sha256?: string;
  /** Symbolic links only; written like `path`. */
  readonly target?: string;
}

/** Proof of what was put into a workspace. */
export interface MaterializeReceipt {
  readonly spec: 'gantry-receipt/1';
  readonly manifestDigest: string;
  readonly planDigest: string;
  readonly entries: readonly ReceiptEntry[];
  /** Path -> commit, for each git entry. */
  readonly commits: Readonly<Record<string, string>>;
  /** What ran after the entries were in place. */
  readonly setup: readonly { readonly command: string; readonly durationMs: number }[];
}

/** Proof of what was fetched out of a workspace. */
export interface CollectReceipt {
  readonly spec: 'gantry-collect/1';
  readonly destination: string;
  readonly entries: readonly ReceiptEntry[];
  /** Outputs that were not there and were not required. */
  readonly missing: readonly string[];
}

/** The repository's top folder. */
export declare const root: string;
/** One workspace package as its package.json describes it. */
export interface WorkspacePackage {
  readonly name: string;
  /** Folder relative to the repository's top, with forward slashes. */
  readonly folder: string;
  /** Whether it goes to the registry. */
  readonly publishable: boolean;
  readonly manifest: PackageManifest;
}
/** The fields of a package.json that the scripts and the repository's tests read. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<
    Record<
      string,
      | string
      | {
          types: string;
          default: string;
        }
    >
  >;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
/** Reads a package.json. */
export declare function readManifest(folder: string): PackageManifest;
/** What makes the compiler color its output where a person reads it. */
export declare const pretty: readonly string[];
/** Lists every workspace package, in a stable order. */
export declare function workspacePackages(): WorkspacePackage[];
/** What a finished command left behind. */
export interface Finished {
  readonly code: number;
  /** Standard output and error in the order of their arrival; empty when they went to the terminal. */
  readonly output: string;
}
/** Runs a command to its end in the repository's top folder; a failure to start is code 127 with the reason as output. */
export declare function runCommand(
  command: string,
  parameters: readonly string[],
  options?: {
    readonly show?: boolean;
    readonly cwd?: string;
    readonly environment?: Readonly<Record<string, string>>;
  },
): Promise<Finished>;

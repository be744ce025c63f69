import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The repository's top folder. */
export const root: string = path.dirname(import.meta.dirname);

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
  readonly exports?: Readonly<Record<string, string | { types: string; default: string }>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Reads a package.json. */
export function readManifest(folder: string): PackageManifest {
  return JSON.parse(
    readFileSync(path.join(root, folder, 'package.json'), 'utf8'),
  ) as PackageManifest;
}

/** What makes the compiler color its output where a person reads it. */
export const pretty: readonly string[] = process.stdout.isTTY
  ? ['--pretty']
  : ['--pretty', 'false'];

/** Lists every workspace package, in a stable order. */
export function workspacePackages(): WorkspacePackage[] {
  const grouped = ['packages', 'examples', 'apps'].flatMap((group) =>
    existsSync(path.join(root, group))
      ? readdirSync(path.join(root, group))
          .toSorted()
          .map((name) => `${group}/${name}`)
      : [],
  );
  return [...grouped, 'bench', 'tests']
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    .map((folder) => {
      const manifest = readManifest(folder);
      return { name: manifest.name, folder, publishable: manifest.private !== true, manifest };
    });
}

/** What a finished command left behind. */
export interface Finished {
  readonly code: number;
  /** Standard output and error in the order of their arrival; empty when they went to the terminal. */
  readonly output: string;
}

/** Runs a command to its end in the repository's top folder; a failure to start is code 127 with the reason as output. */
export function runCommand(
  command: string,
  parameters: readonly string[],
  options: {
    readonly show?: boolean;
    readonly cwd?: string;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.environment },
      stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    child.stdout?.on('data', (part: Buffer) => parts.push(part));
    child.stderr?.on('data', (part: Buffer) => parts.push(part));
    child.once('error', (error) => {
      resolve({ code: 127, output: `${command} could not be started: ${error.message}\n` });
    });
    child.once('close', (code, signal) => {
      const output = Buffer.concat(parts).toString('utf8');
      resolve(
        code === null
          ? { code: 1, output: `${output}\n${command} was ended by ${signal ?? 'a signal'}\n` }
          : { code, output },
      );
    });
  });
}

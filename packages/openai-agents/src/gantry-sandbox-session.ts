import { type Sandbox, SandboxError, type SnapshotStore } from '@gantry/core';
import type { Editor } from '@openai/agents';
import type {
  ExecCommandArgs,
  ExposedPortEndpoint,
  ListDirectoryArgs,
  Manifest,
  MaterializeEntryArgs,
  ReadFileArgs,
  SandboxDirectoryEntry,
  SandboxExecResult,
  SandboxSession,
  ViewImageArgs,
  WriteStdinArgs,
} from '@openai/agents/sandbox';
import { Commands } from './commands/commands.ts';
import { formatExecResponse } from './commands/exec-response.ts';
import type { AfterRun } from './client-options.ts';
import { exposedEndpoint } from './exposed-endpoint.ts';
import { patchEditor } from './files/patch-editor.ts';
import { imageOutput } from './files/image-output.ts';
import { tellingMissing } from './files/missing-path-error.ts';
import { logicalPath, requireOwnUser, sessionPath } from './files/session-path.ts';
import { gantryEntries, type LocalSources } from './manifest/gantry-entries.ts';
import { putEntries } from './manifest/put-entries.ts';
import { resolvedEnvironment } from './manifest/portable-manifest.ts';
import type { GantrySessionState, GantrySnapshotSpec } from './session-state.ts';

/** How a session was made. */
export interface SessionContext {
  readonly afterRun: AfterRun;
  readonly snapshots: SnapshotStore | undefined;
  readonly localSources: (manifest: Manifest) => LocalSources;
}

/**
 * A sandbox as the SDK's agents use it. Ends by `close` alone: the SDK calls `stop`, `shutdown` and `delete` one after the other
 * where they exist, and after that nothing could be resumed.
 */
export class GantrySandboxSession implements SandboxSession<GantrySessionState> {
  readonly state: GantrySessionState;
  /** The sandbox itself, for everything that the SDK has no word for. */
  readonly sandbox: Sandbox;
  readonly #context: SessionContext;
  readonly #commands: Commands;
  #closing: Promise<void> | undefined;

  constructor(sandbox: Sandbox, state: GantrySessionState, context: SessionContext) {
    this.sandbox = sandbox;
    this.state = state;
    this.#context = context;
    this.#commands = new Commands(sandbox, () => this.state.environment ?? {});
  }

  /** Whether the sandbox runs now. */
  async running(): Promise<boolean> {
    return (await this.sandbox.inspect()).state === 'running';
  }

  /** Runs a shell line; one that is not over after `yieldTimeMs` goes on, and has a number. */
  exec(args: ExecCommandArgs): Promise<SandboxExecResult> {
    return this.#commands.exec(args);
  }

  /** The same as text for the model. */
  async execCommand(args: ExecCommandArgs): Promise<string> {
    return formatExecResponse(await this.#commands.exec(args));
  }

  /** Types into a command that goes on, or looks what it has written. */
  async writeStdin(args: WriteStdinArgs): Promise<string> {
    return formatExecResponse(await this.#commands.writeStdin(args));
  }

  /** Whether the provider has terminals. */
  supportsPty(): boolean {
    return this.#commands.hasTerminals;
  }

  /** Applies patches as the sandbox's user. Making one touches nothing. */
  createEditor(runAs?: string): Editor {
    return patchEditor(this.sandbox.restricted(), () => requireOwnUser(runAs));
  }

  /** An image of at most 10 MB for the model. */
  async viewImage({ path, runAs }: ViewImageArgs): ReturnType<typeof imageOutput> {
    requireOwnUser(runAs);
    return imageOutput(this.sandbox.restricted(), this.#path(path), path);
  }

  /** The bytes of a file, the first `maxBytes` where that is given. */
  async readFile({ path, runAs, maxBytes }: ReadFileArgs): Promise<Uint8Array> {
    requireOwnUser(runAs);
    const range = maxBytes === undefined ? {} : { length: maxBytes };
    const file = this.#path(path);
    return tellingMissing(`File ${path}`, () => this.sandbox.files.readBytes(file, range));
  }

  /** What is in a directory. A symbolic link is `other`. */
  async listDir({ path, runAs }: ListDirectoryArgs): Promise<SandboxDirectoryEntry[]> {
    requireOwnUser(runAs);
    const directory = this.#path(path);
    const entries = await tellingMissing(`Directory ${path}`, () =>
      this.sandbox.files.list(directory),
    );
    const parent = logicalPath(directory);
    return entries.map(({ name, type }) => ({
      name,
      path: parent === '' ? name : `${parent}/${name}`,
      type: type === 'file' ? 'file' : type === 'directory' ? 'dir' : 'other',
    }));
  }

  /** Whether there is anything; false is a confirmed absence. */
  async pathExists(path: string, runAs?: string): Promise<boolean> {
    requireOwnUser(runAs);
    return this.sandbox.files.exists(this.#path(path));
  }

  /** Whether a command can start there, as this user. */
  async directoryExists(path: string, runAs?: string): Promise<boolean> {
    const options = runAs === undefined ? {} : { user: runAs };
    try {
      const { ok } = await this.sandbox.exec(['true'], { ...options, cwd: this.#path(path) });
      return ok;
    } catch (error) {
      if (SandboxError.is(error) && error.details['reason'] === 'cwd') return false;
      throw error;
    }
  }

  /** Puts one entry in place, over what is there. */
  async materializeEntry({ path, entry, runAs }: MaterializeEntryArgs): Promise<void> {
    requireOwnUser(runAs);
    const relative = logicalPath(this.#path(path));
    await this.#put({ [relative]: entry });
  }

  /** Puts the entries of a manifest in place, and adds its environment to that of the commands to come. */
  async applyManifest(manifest: Manifest, runAs?: string): Promise<void> {
    requireOwnUser(runAs);
    await this.#put(manifest.entries);
    const added = await resolvedEnvironment(manifest.environment);
    this.state.environment = { ...this.state.environment, ...added };
  }

  /** Where a port of the sandbox is reached. `headers`, where there are any, must go with each request, and are not saved. */
  async resolveExposedPort(port: number): Promise<ExposedPortEndpoint> {
    return exposedEndpoint(await this.sandbox.expose(port));
  }

  /** Keeps the workspace in the client's store; what it returns seeds a fresh sandbox as `sandbox.snapshot` of a run. */
  async saveSnapshot(): Promise<GantrySnapshotSpec> {
    const { snapshots } = this.#context;
    if (!snapshots) {
      const message = 'there is no snapshot store; make the client with { snapshots: store }';
      throw new SandboxError('failed-precondition', message);
    }
    const parent = this.state.snapshot?.type === 'gantry' ? this.state.snapshot.id : undefined;
    const options = parent === undefined ? {} : { parent };
    const { id } = await this.sandbox.snapshot(snapshots, options);
    const snapshot: GantrySnapshotSpec = { type: 'gantry', id };
    this.state.snapshot = snapshot;
    return snapshot;
  }

  /** Kills the commands that still run, and does with the sandbox what the client's `afterRun` says. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { afterRun } = this.#context;
    if (afterRun === 'destroy') {
      await this.sandbox.destroy();
      await this.#commands.close();
      return;
    }
    await this.#commands.close();
    if (afterRun === 'suspend') await this.sandbox.suspend();
    await this.sandbox.release();
  }

  async #put(entries: Manifest['entries']): Promise<void> {
    const sources = this.#context.localSources(this.state.manifest);
    await putEntries(this.sandbox, gantryEntries(entries, sources));
  }

  #path(given: string): string {
    return sessionPath(this.state.manifest, given);
  }
}

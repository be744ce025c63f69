import {
  type RestoreLimits,
  type RestrictedSandbox,
  type Sandbox,
  SandboxError,
  type SnapshotStore,
} from '@gantry/core';
import type { Editor } from '@openai/agents';
import type {
  ExecCommandArgs,
  ExposedPortEndpoint,
  ListDirectoryArgs,
  Manifest,
  MaterializeEntryArgs,
  ReadFileArgs,
  SandboxArchiveLimits,
  SandboxDirectoryEntry,
  SandboxExecResult,
  SandboxSession,
  ViewImageArgs,
  WorkspaceArchiveData,
  WorkspaceArchiveOptions,
  WriteStdinArgs,
} from '@openai/agents/sandbox';
import { Commands } from './commands/commands.ts';
import { formatExecResponse } from './commands/exec-response.ts';
import type { AfterRun } from './client-options.ts';
import { exposedEndpoint } from './exposed-endpoint.ts';
import { patchEditor } from './files/patch-editor.ts';
import { imageOutput } from './files/image-output.ts';
import { tellingMissing } from './files/missing-path-error.ts';
import { logicalPath, sessionPath } from './files/session-path.ts';
import { gantryEntries, type LocalSources } from './manifest/gantry-entries.ts';
import { putEntries } from './manifest/put-entries.ts';
import { resolvedEnvironment } from './manifest/portable-manifest.ts';
import { restoreLimits } from './create-sandbox.ts';
import { packWorkspace, unpackWorkspace } from './workspace-archive.ts';
import type { GantrySessionState, GantrySnapshotSpec } from './session-state.ts';

/** How a session was made. */
export interface SessionContext {
  readonly afterRun: AfterRun;
  readonly snapshots: SnapshotStore | undefined;
  readonly localSources: (manifest: Manifest) => LocalSources;
  readonly archiveLimits: SandboxArchiveLimits | null | undefined;
  /** Makes another sandbox like this session's, with the contents of a snapshot. */
  readonly rehydrate: (
    snapshot: string,
    store: SnapshotStore,
    limits: RestoreLimits | undefined,
    environment: Readonly<Record<string, string>>,
  ) => Promise<Sandbox>;
}

/**
 * A sandbox as the SDK's agents use it. Ends by `close` alone: the SDK calls `stop`, `shutdown` and `delete` one after the other
 * where they exist, and after that nothing could be resumed.
 */
export class GantrySandboxSession implements SandboxSession<GantrySessionState> {
  readonly state: GantrySessionState;
  readonly #context: SessionContext;
  #sandbox: Sandbox;
  #commands: Commands;
  #archiveLimits: SandboxArchiveLimits | null | undefined;
  #closing: Promise<void> | undefined;

  constructor(sandbox: Sandbox, state: GantrySessionState, context: SessionContext) {
    this.#sandbox = sandbox;
    this.state = state;
    this.#context = context;
    this.#archiveLimits = context.archiveLimits;
    this.#commands = this.#commandsOf(sandbox);
  }

  /** The sandbox itself, for everything that the SDK has no word for. Another one after `hydrateWorkspace`. */
  get sandbox(): Sandbox {
    return this.#sandbox;
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

  /** Applies patches. Making one touches nothing. */
  createEditor(runAs?: string): Editor {
    return patchEditor(() => this.#as(runAs));
  }

  /** An image of at most 10 MB for the model. */
  async viewImage({ path, runAs }: ViewImageArgs): ReturnType<typeof imageOutput> {
    return imageOutput(this.#as(runAs), this.#path(path), path);
  }

  /** The bytes of a file, the first `maxBytes` where that is given. */
  async readFile({ path, runAs, maxBytes }: ReadFileArgs): Promise<Uint8Array> {
    const { files } = this.#as(runAs);
    const range = maxBytes === undefined ? {} : { length: maxBytes };
    const file = this.#path(path);
    return tellingMissing(`File ${path}`, () => files.readBytes(file, range));
  }

  /** What is in a directory. A symbolic link is `other`. */
  async listDir({ path, runAs }: ListDirectoryArgs): Promise<SandboxDirectoryEntry[]> {
    const { files } = this.#as(runAs);
    const directory = this.#path(path);
    const entries = await tellingMissing(`Directory ${path}`, () => files.list(directory));
    const parent = logicalPath(directory);
    return entries.map(({ name, type }) => ({
      name,
      path: parent === '' ? name : `${parent}/${name}`,
      type: type === 'file' ? 'file' : type === 'directory' ? 'dir' : 'other',
    }));
  }

  /** Whether there is anything; false is a confirmed absence. */
  async pathExists(path: string, runAs?: string): Promise<boolean> {
    return this.#as(runAs).files.exists(this.#path(path));
  }

  /** Whether a command can start there, as this user. */
  async directoryExists(path: string, runAs?: string): Promise<boolean> {
    try {
      const { ok } = await this.#as(runAs).exec(['true'], { cwd: this.#path(path) });
      return ok;
    } catch (error) {
      if (SandboxError.is(error) && error.details['reason'] === 'cwd') return false;
      throw error;
    }
  }

  /** Puts one entry in place, over what is there. */
  async materializeEntry({ path, entry, runAs }: MaterializeEntryArgs): Promise<void> {
    const relative = logicalPath(this.#path(path));
    await this.#put({ [relative]: entry }, runAs);
  }

  /** Puts the entries of a manifest in place, and adds its environment to that of the commands to come. */
  async applyManifest(manifest: Manifest, runAs?: string): Promise<void> {
    await this.#put(manifest.entries, runAs);
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

  /** The workspace as a gzip-compressed tar file, in memory: modes, links and all. */
  persistWorkspace(): Promise<Uint8Array> {
    return packWorkspace(this.#sandbox);
  }

  /**
   * Makes the workspace what `persistWorkspace` gave (a text is base64 of it), in a fresh sandbox that takes this one's place. The
   * commands that still run end. An archive that cannot be used leaves everything as it was.
   */
  async hydrateWorkspace(
    data: WorkspaceArchiveData,
    { archiveLimits = this.#archiveLimits }: WorkspaceArchiveOptions = {},
  ): Promise<void> {
    const limits = restoreLimits(archiveLimits);
    const { snapshot, store } = await unpackWorkspace(data, limits);
    const { environment = {} } = this.state;
    const fresh = await this.#context.rehydrate(snapshot, store, limits, environment);
    const [before, commands] = [this.#sandbox, this.#commands];
    this.#sandbox = fresh;
    this.#commands = this.#commandsOf(fresh);
    this.state.ref = fresh.ref;
    await before.destroy();
    await commands.close();
  }

  /** Limits of archives to come that bring none of their own. */
  setArchiveLimits(limits?: SandboxArchiveLimits | null): void {
    this.#archiveLimits = limits;
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

  async #put(entries: Manifest['entries'], runAs: string | undefined): Promise<void> {
    const sources = this.#context.localSources(this.state.manifest);
    await putEntries(this.sandbox, gantryEntries(entries, sources), runAs);
  }

  #as(user: string | undefined): RestrictedSandbox {
    return this.#sandbox.restricted(user === undefined ? {} : { user });
  }

  #commandsOf(sandbox: Sandbox): Commands {
    return new Commands(sandbox, () => this.state.environment ?? {});
  }

  #path(given: string): string {
    return sessionPath(this.state.manifest, given);
  }
}

/** Whether a limit on a resource holds whatever the guest does, or is not there at all. */
export type LimitTrait = 'enforced' | 'none';

/** Facts about a provider that are no operations. The conformance suite measures each, both ways. */
export interface Traits {
  /** What stands between the guest and the host. `none` means that the guest runs as the caller. */
  readonly isolation: 'none' | 'process' | 'container' | 'gvisor' | 'microvm' | 'hosted';
  /** `text`: the transport decodes output, so core moves file bytes through it in base64 only. */
  readonly output: 'bytes' | 'text';
  /** Whether a process takes input while it runs, once at its start, or not at all. */
  readonly stdin: 'stream' | 'upfront' | 'none';
  /** `shell-encoded`: a death by signal n cannot be told from exit code 128 + n. */
  readonly exit: 'exact' | 'shell-encoded';
  /**
   * `untold`: the vendor ends a command's outputs with the command, so whether somebody else still holds one is not known, and
   * `lingering` is always false. Default `told`.
   */
  readonly lingering?: 'told' | 'untold';
  /** What `kill` reaches: every descendant, the process group, or the one process. */
  readonly kill: 'tree' | 'group' | 'process';
  readonly limits: {
    readonly memory: LimitTrait;
    readonly pids: LimitTrait;
    readonly cpu: LimitTrait;
    readonly disk: LimitTrait;
  };
}

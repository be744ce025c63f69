import { findProgram } from './find-program.ts';
import { stagePath } from './spawners.ts';

/** What the launcher is to do before the sandbox's own process starts. */
export interface LaunchPlan {
  /** The sandbox's directory on the host. */
  readonly directory: string;
  readonly lifetimeMs: number;
  /** The uid to change to. Absent for an ordinary user, who keeps its own. */
  readonly uid?: number;
  /**
   * As root: what is bound below the sandbox's directory, so that its uid can reach it, in a mount
   * namespace for this sandbox alone. Absent: the launcher is the staged spawner's, which shows all it needs.
   */
  readonly staged?: readonly { readonly source: string; readonly target: string }[];
  readonly bubblewrap: readonly string[];
}

// The uid cannot reach a workspace below a closed directory, such as root's own state directory. So
// everything is bound to an open place first, with the sources below /tmp before /tmp is covered.
const rootScript: string = `directory=$1
shift
while [ "$1" != -- ]; do
  mount --rbind -- "$1" "$2" || exit 71
  shift 2
done
shift
mount --rbind -- "$directory" ${stagePath} || exit 72
exec "$@"
`;

/**
 * The command that starts a sandbox and ends with it, at the latest after its lifetime: timeout(1)
 * kills bubblewrap, which takes the sandbox's first process with it, and the kernel takes the rest.
 */
export function launchCommand(plan: LaunchPlan): readonly string[] {
  const seconds = Math.max(plan.lifetimeMs / 1000, 0.001).toFixed(3);
  return [findProgram('timeout'), '-s', 'KILL', seconds, ...sandboxCommand(plan)];
}

/** The same without the end of its lifetime. */
export function sandboxCommand(plan: Omit<LaunchPlan, 'lifetimeMs'>): readonly string[] {
  const bubblewrap = [findProgram('bwrap'), ...plan.bubblewrap];
  if (plan.uid === undefined) return bubblewrap;
  const uid = String(plan.uid);
  const change = [findProgram('setpriv'), '--reuid', uid, '--regid', uid];
  change.push('--clear-groups', '--no-new-privs');
  if (!plan.staged) return [...change, ...bubblewrap];
  return [
    ...['unshare', '--mount', '--propagation', 'private'],
    ...['sh', '-c', rootScript, 'gantry-launch', plan.directory],
    ...plan.staged.flatMap(({ source, target }) => [source, target]),
    ...['--', ...change, ...bubblewrap],
  ];
}

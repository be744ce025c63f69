import { mountNamespace, type Overlay, overlayMount } from './copy-on-write/overlay.ts';

/** What the launcher is to do before the sandbox's own process starts. */
export interface LaunchPlan {
  /** The sandbox's directory on the host. */
  readonly directory: string;
  readonly fifoMode: number;
  /** Names below `control`. Letters, digits, `-` and `.` only. */
  readonly fifos: readonly string[];
  readonly lifetimeMs: number;
  /** The files of control groups that the launcher writes its process id to. */
  readonly join: readonly string[];
  /** Bytes of a workspace in memory; absent where the sandbox's own directory is the workspace. */
  readonly workspaceBytes?: number;
  /** The uid to change to. Absent for an ordinary user, who keeps its own. */
  readonly uid?: number;
  /** As root: what is bound below the sandbox's directory, so that its uid can reach it. */
  readonly staged: readonly { readonly source: string; readonly target: string }[];
  /** Mounted in the sandbox's directory, in a mount namespace that ends with the sandbox. */
  readonly overlays: readonly Overlay[];
  readonly bubblewrap: readonly string[];
}

/** Where root's sandboxes find their directory: in the launcher's own mount namespace only. */
export const stagePath = '/tmp';

// Where memory runs out on the host, sandboxes go before its own programs.
const prepare = `cd "$1/control" && mkfifo -m "$2" -- $3 && cd / || exit 70
{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null
[ -z "$4" ] || mount -t tmpfs -o "$4" gantry "$1/workspace" || exit 76
directory=$1
shift 4
while [ "$1" != -- ]; do
  echo $$ >"$1" || exit 74
  shift
done
shift
cd "$directory" || exit 70
while [ "$1" != -- ]; do
  mount -t overlay -o "$1" overlay "$2" || exit 73
  shift 2
done
shift
cd /
`;

const ordinaryScript: string = `${prepare}exec "$@"
`;

// The uid cannot reach a workspace below a closed directory, such as root's own state directory. So
// everything is bound to an open place first, with the sources below /tmp before /tmp is covered.
const rootScript: string = `${prepare}ulimit -f unlimited || exit 75
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
export function launchCommand(plan: LaunchPlan): [string, ...string[]] {
  const seconds = Math.max(plan.lifetimeMs / 1000, 0.001).toFixed(3);
  const first = [
    ...[plan.directory, plan.fifoMode.toString(8), plan.fifos.join(' ')],
    workspaceOptions(plan),
    ...[...plan.join, '--'],
    ...[...plan.overlays.flatMap((o) => overlayMount(o, plan.uid === undefined)), '--'],
  ];
  const keeper = ['timeout', '-s', 'KILL', seconds] as const;
  if (plan.uid === undefined) {
    const mounts = plan.overlays.length > 0 || plan.workspaceBytes !== undefined;
    return [
      ...keeper,
      ...(mounts ? mountNamespace() : []),
      ...['sh', '-c', ordinaryScript, 'gantry-launch', ...first, 'bwrap', ...plan.bubblewrap],
    ];
  }
  const uid = String(plan.uid);
  return [
    ...keeper,
    ...mountNamespace(),
    ...['sh', '-c', rootScript, 'gantry-launch', ...first],
    ...plan.staged.flatMap(({ source, target }) => [source, target]),
    '--',
    ...['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs'],
    ...['bwrap', ...plan.bubblewrap],
  ];
}

/** A file for each 4 KiB: empty files take memory too. */
function workspaceOptions({ workspaceBytes, uid = 0 }: LaunchPlan): string {
  if (workspaceBytes === undefined) return '';
  const files = Math.max(1_024, Math.ceil(workspaceBytes / 4_096));
  return `size=${workspaceBytes},nr_inodes=${files},mode=0755,uid=${uid},gid=${uid}`;
}

import { readFileSync, statSync } from 'node:fs';
import { findProgram } from './find-program.ts';
import { stagePath } from './copy-on-write/overlaid-root.ts';
import { mountNamespace, type Overlay, overlayMount } from './copy-on-write/overlay.ts';

/** What the launcher is to do before the sandbox's own process starts. */
export interface LaunchPlan {
  /** The sandbox's directory on the host. */
  readonly directory: string;
  /** Bytes of a workspace in memory; absent where the sandbox's own directory is the workspace. */
  readonly workspaceBytes?: number;
  /** The uid to change to. Absent for an ordinary user, who keeps its own. */
  readonly uid?: number;
  /** Whether its keeper shows all that the uid has to reach, and no overlay has to be mounted. */
  readonly shared: boolean;
  /** As root: what else is bound below the sandbox's directory, so that its uid can reach it. */
  readonly staged: readonly { readonly source: string; readonly target: string }[];
  /** Mounted in the sandbox's directory, in a mount namespace that ends with the sandbox. */
  readonly overlays: readonly Overlay[];
  readonly bubblewrap: readonly string[];
}

const prepare = `directory=$1
[ -z "$2" ] || mount -t tmpfs -o "$2" gantry "$directory/workspace" || exit 76
shift 2
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
const rootScript: string = `${prepare}while [ "$1" != -- ]; do
  mount --rbind -- "$1" "$2" || exit 71
  shift 2
done
shift
mount --rbind -- "$directory" ${stagePath} || exit 72
exec "$@"
`;

/** The command that makes bubblewrap build the sandbox, as the uid that it runs under. */
export function launchCommand(plan: LaunchPlan): readonly string[] {
  const { uid, overlays, shared } = plan;
  const workspace = workspaceOptions(plan);
  const bubblewrap = [findProgram('bwrap'), ...plan.bubblewrap];
  const first = [
    ...['gantry-launch', plan.directory, workspace],
    ...[...overlays.flatMap((overlay) => overlayMount(overlay, uid === undefined)), '--'],
  ];
  if (uid === undefined) {
    if (overlays.length === 0 && workspace === '') return bubblewrap;
    return [...mountNamespace(), 'sh', '-c', ordinaryScript, ...first, ...bubblewrap];
  }
  const change = [...asUid(uid), ...bubblewrap];
  if (shared) return change;
  return [
    ...[...mountNamespace(), 'sh', '-c', rootScript, ...first],
    ...plan.staged.flatMap(({ source, target }) => [source, target]),
    ...['--', ...change],
  ];
}

/** A file for each 4 KiB: empty files take memory too. */
function workspaceOptions({ workspaceBytes, uid = 0 }: LaunchPlan): string {
  if (workspaceBytes === undefined) return '';
  const files = Math.max(1_024, Math.ceil(workspaceBytes / 4_096));
  return `size=${workspaceBytes},nr_inodes=${files},mode=0755,uid=${uid},gid=${uid}`;
}

/**
 * What changes to a uid, without groups. `checkMainProcess` asks for the result; unshare(1) starts in half the
 * time of setpriv(1), but does not keep a bubblewrap with the setuid bit from becoming root again.
 */
function asUid(uid: number): string[] {
  const light = lightweight();
  return light
    ? [light, '--setgid', String(uid), '--setuid', String(uid)]
    : [
        ...[findProgram('setpriv'), '--reuid', String(uid), '--regid', String(uid)],
        ...['--clear-groups', '--no-new-privs'],
      ];
}

let unshare: string | false | undefined;

/** The path of an unshare(1) that can do it (its help says so), where bubblewrap is an ordinary program; looked up once. */
function lightweight(): string | false {
  if (unshare !== undefined) return unshare;
  const program = findProgram('unshare');
  const bubblewrap = statSync(findProgram('bwrap'), { throwIfNoEntry: false });
  const ordinary = bubblewrap !== undefined && (bubblewrap.mode & 0o6000) === 0;
  return (unshare = ordinary && readFileSync(program).includes('--setgid') ? program : false);
}

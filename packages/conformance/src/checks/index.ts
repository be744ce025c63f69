import type { Check } from '../check.ts';
import { sharedIsolationChecks } from './isolation/shared-isolation-checks.ts';
import { privilegeIsolationChecks } from './isolation/privilege-isolation-checks.ts';
import { directoryChecks } from './core/directory-checks.ts';
import { inputChecks } from './core/input-checks.ts';
import { manifestSourceChecks } from './core/manifest-source-checks.ts';
import { manifestPlanChecks } from './core/manifest-plan-checks.ts';
import { connectChecks } from './core/connect-checks.ts';
import { fileAccessChecks } from './core/file-access-checks.ts';
import { environmentChecks } from './core/environment-checks.ts';
import { createCapabilityChecks } from './capabilities/create-capability-checks.ts';
import { forkChecks } from './capabilities/fork-checks.ts';
import { nativeSnapshotChecks } from './capabilities/native-snapshot-checks.ts';
import { portChecks } from './capabilities/port-checks.ts';
import { watchChecks } from './capabilities/watch-checks.ts';
import { changeChecks } from './capabilities/change-checks.ts';
import { originChecks } from './capabilities/origin-checks.ts';
import { resourceChecks } from './capabilities/resource-checks.ts';
import { reachChecks } from './capabilities/reach-checks.ts';
import { serviceChecks } from './capabilities/service-checks.ts';
import { suspendChecks } from './capabilities/suspend-checks.ts';
import { suspensionChecks } from './capabilities/suspension-checks.ts';
import { terminalChecks } from './capabilities/terminal-checks.ts';
import { absenceChecks } from './egress/absence-checks.ts';
import { addressChecks } from './egress/address-checks.ts';
import { allowChecks } from './egress/allow-checks.ts';
import { boundChecks } from './egress/bound-checks.ts';
import { denyChecks } from './egress/deny-checks.ts';
import { injectChecks } from './egress/inject-checks.ts';
import { liveChecks } from './egress/live-checks.ts';
import { recordChecks } from './egress/record-checks.ts';
import { requestChecks } from './egress/request-checks.ts';
import { secretsTwin } from './egress/absent-parts.ts';
import { fanOutChecks } from './fan-out/fan-out-checks.ts';
import { durableFanOutChecks } from './fan-out/durable-fan-out-checks.ts';
import { durableFaultChecks } from './faults/durable-fault-checks.ts';
import { faultChecks } from './faults/fault-checks.ts';
import { provenanceChecks } from './provenance/provenance-checks.ts';
import { captureChecks } from './rehydration/capture-checks.ts';
import { rehydrateChecks } from './rehydration/rehydrate-checks.ts';
import { journeyChecks } from './portability/journey-checks.ts';
import { portableDetailChecks } from './portability/portable-detail-checks.ts';
import { contractChecks } from './core/contract-checks.ts';
import { callChecks } from './core/call-checks.ts';
import { commandChecks } from './core/command-checks.ts';
import { createChecks } from './core/create-checks.ts';
import { endingChecks } from './core/ending-checks.ts';
import { fileChecks } from './core/file-checks.ts';
import { fileIsolationChecks } from './isolation/file-isolation-checks.ts';
import { kernelIsolationChecks } from './isolation/kernel-isolation-checks.ts';
import { loadIsolationChecks } from './isolation/load-isolation-checks.ts';
import { networkIsolationChecks } from './isolation/network-isolation-checks.ts';
import { processIsolationChecks } from './isolation/process-isolation-checks.ts';
import { lifecycleChecks } from './core/lifecycle-checks.ts';
import { manifestChecks } from './core/manifest-checks.ts';
import { streamChecks } from './core/stream-checks.ts';
import { treeChecks } from './core/tree-checks.ts';

/** Every check of the suite, in the order of its reports. */
export const checks: readonly Check[] = [
  ...createChecks,
  ...connectChecks,
  ...lifecycleChecks,
  ...callChecks,
  ...contractChecks,
  ...commandChecks,
  ...environmentChecks,
  ...streamChecks,
  ...inputChecks,
  ...endingChecks,
  ...fileChecks,
  ...fileAccessChecks,
  ...treeChecks,
  ...directoryChecks,
  ...manifestChecks,
  ...manifestPlanChecks,
  ...manifestSourceChecks,
  ...fileIsolationChecks,
  ...processIsolationChecks,
  ...sharedIsolationChecks,
  ...privilegeIsolationChecks,
  ...kernelIsolationChecks,
  ...networkIsolationChecks,
  ...loadIsolationChecks,
  ...captureChecks,
  ...rehydrateChecks,
  ...journeyChecks,
  ...portableDetailChecks,
  ...fanOutChecks,
  ...durableFanOutChecks,
  ...faultChecks,
  ...durableFaultChecks,
  ...provenanceChecks,
  ...terminalChecks,
  ...suspendChecks,
  ...suspensionChecks,
  ...nativeSnapshotChecks,
  ...forkChecks,
  ...createCapabilityChecks,
  ...allowChecks,
  ...denyChecks,
  ...addressChecks,
  ...requestChecks,
  ...liveChecks,
  ...recordChecks,
  secretsTwin,
  ...injectChecks,
  ...boundChecks,
  ...absenceChecks,
  ...resourceChecks,
  ...serviceChecks,
  ...reachChecks,
  ...portChecks,
  ...watchChecks,
  ...changeChecks,
  ...originChecks,
];

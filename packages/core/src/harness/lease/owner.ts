import { readlinkSync } from 'node:fs';
import os from 'node:os';
import { identifyProcess, isRunning } from '../../node/process-identity.ts';

/** Names this process for as long as its host runs: `HOST pid PID start TIME boot ID ns ID`. */
export function thisOwner(): string {
  const identity = identifyProcess(process.pid);
  const { startTime = '?', bootId = '?' } = identity ?? {};
  return `${os.hostname()} pid ${process.pid} start ${startTime} boot ${bootId} ns ${processNamespace()}`;
}

const form = /^.* pid (\d+) start (.*) boot (\S+) ns (\S+)$/;

/**
 * Whether an owner is surely gone: a process of this very boot and process namespace that no longer runs. Of every other
 * one nothing is known, and its lease must run out.
 */
export function isOwnerGone(owner: string): boolean {
  const [, pid, startTime, bootId, namespace] = form.exec(owner) ?? [];
  if (pid === undefined || startTime === undefined || bootId === undefined) return false;
  const here = identifyProcess(process.pid);
  if (here?.bootId !== bootId || namespace !== processNamespace()) return false;
  return !isRunning({ pid: Number(pid), startTime, bootId });
}

/** Process ids mean something within one namespace only. */
function processNamespace(): string {
  if (process.platform !== 'linux') return 'none';
  return readlinkSync('/proc/self/ns/pid').replaceAll(/[^0-9]/g, '');
}

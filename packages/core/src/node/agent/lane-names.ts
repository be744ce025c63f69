import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { isRunning, ownIdentity } from '../process-identity.ts';
import { laneFifos } from './lane-channel.ts';

/** New names of lanes that belong to this process: a later client can tell when it is gone. */
export function laneNames(count: number): string[] {
  const self = ownIdentity();
  const client = `${self.pid}-${self.startTime}-${randomBytes(4).toString('hex')}`;
  return Array.from({ length: count }, (_, index) => `${client}-${index}`);
}

/** The names of the files of lanes, FIFOs only. */
export function laneFiles(names: readonly string[]): string[] {
  return names.flatMap((name) => laneFifos.map((suffix) => `${name}.${suffix}`));
}

/** The files in a control directory that belong to lanes of processes that have ended. */
export function abandonedFiles(controlDirectory: string): string[] {
  const self = ownIdentity();
  return readdirSync(controlDirectory).filter((file) => {
    const owner = /^(\d+)-(\d+)-[0-9a-f]{8}-\d+\.[csioex]$/.exec(file);
    if (!owner) return false;
    const [, pid = '', startTime = ''] = owner;
    return !isRunning({ pid: Number(pid), startTime, bootId: self.bootId });
  });
}

/** What every vendor's emulator shares; each vendor is an entry of its own. */
export { startEmulator } from './chassis/emulator.ts';
export type { Emulator, EmulatorOptions, Vendor } from './chassis/emulator.ts';
export type { EmulatorClock } from './chassis/clock.ts';
export type { WireFault, WireFaultRule, WireFaults } from './chassis/faults.ts';
export type { Quotas } from './chassis/quota.ts';
export type { RequestRecord } from './chassis/request-log.ts';

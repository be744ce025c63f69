import { type Finished } from './repository.ts';
/** Builds the demo's client where its sources changed since the last time. */
export declare function buildDemoClient(): Promise<Finished>;

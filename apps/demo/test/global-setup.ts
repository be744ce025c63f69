import { buildDemoClient } from '../../../scripts/demo-client.ts';

/** Builds the client once for all tests of a run, where its sources changed since the last time. */
export default async function setUp(): Promise<void> {
  const { code, output } = await buildDemoClient();
  if (code !== 0) throw new Error(`the demo's client could not be built:\n${output}`);
}

import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { buildDemoClient } from '../../../scripts/demo-client.ts';
import { chromiumOptions } from './browser.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the Chromium of all test files listens, or why there is none: those that need one then say so. */
    readonly chromium: { readonly endpoint: string } | { readonly missing: string };
  }
}

/** Builds the client once for all tests of a run, where its sources changed since the last time, and starts a Chromium for them. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { code, output } = await buildDemoClient();
  if (code !== 0) throw new Error(`the demo's client could not be built:\n${output}`);
  try {
    const server = await chromium.launchServer({ ...chromiumOptions(), host: '127.0.0.1' });
    project.provide('chromium', { endpoint: server.wsEndpoint() });
    return () => server.close();
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error);
    project.provide('chromium', { missing });
    return () => Promise.resolve();
  }
}

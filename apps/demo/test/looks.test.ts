import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from './browser.ts';
import { DemoProcess } from './demo-process.ts';
import { checkLook, looks, type Place } from './looks.ts';

// How the pages look and hold: both color schemes, a desktop and a phone.

let demo: DemoProcess;
let browser: Browser;
let sandbox: string;

beforeAll(async () => {
  [demo, browser] = await Promise.all([DemoProcess.start(), launchChromium()]);
  const manifest = 'spec: gantry-manifest/1\nentries: { a.txt: { type: file, text: hello } }\n';
  sandbox = await demo.sandbox({ provider: 'local', name: 'looked-at', manifest });
});
afterAll(async () => {
  await browser.close();
  await demo[Symbol.asyncDispose]();
});

/** Each place, and what is on it once it is complete. */
const places = (): readonly Place[] => [
  ['overview', '/', '.numbers'],
  ['providers', '/providers', 'table'],
  ['provider', '/providers/local', 'dl'],
  ['sandboxes', '/sandboxes', `a[href*="${sandbox}"]`],
  ['new-sandbox', '/sandboxes?create=1', '.cm-content'],
  ['terminal', `/sandboxes/${sandbox}/terminal`, '.xterm-screen'],
  ['files', `/sandboxes/${sandbox}/files?file=a.txt`, '.cm-content'],
  ['resources', `/sandboxes/${sandbox}/resources`, '.u-wrap'],
  ['about', `/sandboxes/${sandbox}/about`, 'dl'],
];

test.each(looks)(
  '$width pixels wide, no page has a serious finding of axe, moves by itself or is wider than the window',
  async (look) => {
    await expect(checkLook(browser, demo, look, places())).resolves.toBeUndefined();
  },
);

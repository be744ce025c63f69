import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, picture, seriousFindings } from './browser.ts';
import { DemoProcess } from './demo-process.ts';

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
const places = (): readonly (readonly [name: string, place: string, complete: string])[] => [
  ['overview', '/', '.numbers'],
  ['providers', '/providers', 'table'],
  ['provider', '/providers/local', 'dl'],
  ['sandboxes', '/sandboxes', `a[href*="${sandbox}"]`],
  ['new-sandbox', '/sandboxes?create=1', '.cm-content'],
  ['terminal', `/sandboxes/${sandbox}/terminal`, '.xterm-screen'],
  ['files', `/sandboxes/${sandbox}/files?file=a.txt`, '.cm-content'],
  ['ports', `/sandboxes/${sandbox}/ports`, 'form'],
  ['resources', `/sandboxes/${sandbox}/resources`, '.u-wrap'],
  ['about', `/sandboxes/${sandbox}/about`, 'dl'],
];

test.each([
  ['a desktop', 1280, 800, ['light', 'dark']],
  ['a phone', 390, 844, ['dark', 'light']],
] as const)(
  'on %s, in both color schemes, no page has a serious finding of axe, moves by itself or is wider than the window',
  async (_name, width, height, schemes) => {
    const context = await browser.newContext({
      colorScheme: schemes[0],
      viewport: { width, height },
    });
    await context.addInitScript(watchMoves);
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(demo.url);
    for (const [name, place, complete] of places()) {
      await page.goto(`${demo.origin}${place}`);
      await page.locator(complete).first().waitFor();
      await expect
        .poll(() => page.locator('[aria-busy=true], .mantine-Skeleton-root').count(), {
          timeout: 60_000,
        })
        .toBe(0);
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        const at = `${name}, ${colorScheme}, ${width} pixels wide`;
        expect(await seriousFindings(page), at).toEqual([]);
        const { moved, wider } = await page.evaluate(() => ({
          moved: (window as unknown as { moved: number }).moved,
          wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        }));
        expect(wider, `${at}: wider than the window`).toBeLessThanOrEqual(0);
        // Chromium calls less than 0.1 good.
        expect(moved, `${at}: moved by itself`).toBeLessThan(0.05);
        await picture(page, `${name}-${width}-${colorScheme}`);
      }
    }
    await context.close();
  },
);

/** In the page: adds up what moved without anybody having done something, as Chromium sees it. */
function watchMoves(): void {
  let moved = 0;
  Object.defineProperty(window, 'moved', { get: () => moved });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { value, hadRecentInput } = entry as unknown as {
        value: number;
        hadRecentInput: boolean;
      };
      if (!hadRecentInput) moved += value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

import type { Browser } from 'playwright-core';
import { expect } from 'vitest';
import { picture, seriousFindings } from './browser.ts';
import type { DemoProcess } from './demo-process.ts';

/** A page to look at, and what is on it once it is complete. */
export interface Place {
  readonly name: string;
  readonly path: string;
  /** A selector. */
  readonly complete: string;
}

const looks = [
  { colorScheme: 'light', width: 1280, height: 800 },
  { colorScheme: 'dark', width: 390, height: 844 },
] as const;

/** Holds each place, in light colors on a desktop and in dark ones on a phone, to axe, and to the width of the window. Returns how often it looked. */
export async function checkLooks(
  browser: Browser,
  demo: DemoProcess,
  places: readonly Place[],
): Promise<number> {
  let looked = 0;
  for (const { colorScheme, width, height } of looks) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(demo.url);
    for (const { name, path, complete } of places) {
      await page.goto(`${demo.origin}${path}`);
      await page.locator(complete).first().waitFor();
      expect(await seriousFindings(page), `${name} in ${colorScheme} colors`).toEqual([]);
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wider, `${name} is wider than ${width} pixels`).toBeLessThanOrEqual(0);
      await picture(page, `${name}-${width}-${colorScheme}`);
      looked += 1;
    }
    await context.close();
  }
  return looked;
}

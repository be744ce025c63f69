import { expect } from 'vitest';
import { picture, seriousFindings } from './browser.ts';
import { type DemoInBrowser, signIn } from './demo-in-browser.ts';

/** A page to look at, and a selector of what is on it once it is complete. */
export type Place = readonly [name: string, place: string, complete: string];

/** A window, and the color schemes that are shown in it. */
export interface Look {
  readonly width: number;
  readonly height: number;
  readonly schemes: readonly ['light' | 'dark', ...('light' | 'dark')[]];
}

/** Some twenty looks at pages: minutes, on a machine that is busy with something else. */
export const whileLooking = { timeout: 300_000 } as const;

/** A desktop in both color schemes, and a phone in the dark one: contrast does not depend on the width. */
export const looks: readonly Look[] = [
  { width: 1280, height: 800, schemes: ['light', 'dark'] },
  { width: 390, height: 844, schemes: ['dark'] },
];

/** Holds each place to this: no serious finding of axe, nothing that moves by itself, nothing wider than the window. */
export async function checkLook(
  { browser, demo }: DemoInBrowser,
  { width, height, schemes }: Look,
  places: readonly Place[],
): Promise<void> {
  const context = await browser.newContext({
    colorScheme: schemes[0],
    viewport: { width, height },
  });
  await context.addInitScript(watchMoves);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await signIn(page, demo);
  for (const [name, place, complete] of places) {
    await page.goto(`${demo.origin}${place}`);
    await page.locator(complete).first().waitFor();
    await expect
      .poll(() => page.locator('[aria-busy=true], .mantine-Skeleton-root').count(), {
        timeout: 60_000,
      })
      .toBe(0);
    for (const [turn, colorScheme] of schemes.entries()) {
      await page.emulateMedia({ colorScheme });
      // The page hears of it a moment later.
      await page
        .locator(`html[data-mantine-color-scheme=${colorScheme}]`)
        .waitFor({ state: 'attached' });
      await page.evaluate(endTransitions);
      const at = `${name}, ${colorScheme}, ${width} pixels wide`;
      // Whatever the colors are, the rest of the page stays as it was found.
      expect(await seriousFindings(page, turn === 0 ? 'everything' : 'colors'), at).toEqual([]);
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
}

/** In the page: colors that are on their way from one scheme to the other get there. */
function endTransitions(): void {
  for (const animation of document.getAnimations())
    if (animation instanceof CSSTransition) animation.finish();
}

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

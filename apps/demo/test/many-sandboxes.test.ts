import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { SandboxView } from '../src/protocol/sandboxes.ts';
import { demoInBrowser } from './demo-in-browser.ts';

const running = demoInBrowser();

const COUNT = 200;
const LIMIT_MS = 200;
/** Others use the machine too: the fastest time that something is done counts, and what was slow is done again, so often at most. */
const TIMES = 20;

function madeUp(): readonly SandboxView[] {
  return Array.from({ length: COUNT }, (_, at) => {
    const id = `made-up-${String(at).padStart(3, '0')}`;
    const provider = at % 3 === 0 ? 'e2b' : 'local';
    return {
      ...{ id: `${provider}.${id}`, ref: { spec: 'gantry-ref/1', provider, id }, provider },
      ...{ emulated: provider === 'e2b', name: `job ${at}`, createdAt: Date.now() - at * 60_000 },
      state: at % 7 === 0 ? 'suspended' : 'running',
    };
  });
}

/** From an input to the next paint after it, in milliseconds, as Chromium's Event Timing has it; the slowest event of the interaction. */
async function untilPaint(page: Page, interact: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const slowest = { duration: 0 };
    Object.assign(window, { slowest });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries())
        slowest.duration = Math.max(slowest.duration, duration);
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  await interact();
  // Events are told after the paint that they led to.
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => setTimeout(resolve, 50));
      }),
  );
  return page.evaluate(
    () => (window as unknown as { slowest: { duration: number } }).slowest.duration,
  );
}

test(`with ${COUNT} sandboxes listed (the test answers for the list; the page is the real one) what is done is painted within ${LIMIT_MS} ms`, async () => {
  const page = await running.open('/not-a-page');
  await page.route('**/api/sandboxes', (route) => route.fulfill({ json: madeUp() }));
  await page.goto(`${running.demo.origin}/sandboxes`);
  await page.getByText(`${COUNT} of ${COUNT}`).waitFor();
  expect(await page.getByRole('listitem').filter({ hasText: 'job' }).count()).toBe(COUNT);

  const find = page.getByRole('textbox', { name: 'Find by name or id' });
  const interactions: Readonly<Record<string, () => Promise<void>>> = {
    'a letter is typed to find one': () => find.press('7'),
    'it is taken away again': () => find.press('Backspace'),
    'the menu of a row is opened': () =>
      page.getByRole('button', { name: 'Actions of job 3', exact: true }).click(),
    'the menu is closed': () => page.keyboard.press('Escape'),
    'the next row is gone to': async () => {
      await page.getByRole('link', { name: /^job 4 / }).focus();
      await page.keyboard.press('ArrowDown');
    },
    'the colors are changed': () =>
      page
        .getByRole('button', { name: /^Use .* colors$/ })
        .first()
        .click(),
  };
  const fastest: Record<string, number> = {};
  const isSlow = (name: string): boolean => (fastest[name] ?? LIMIT_MS) >= LIMIT_MS;
  for (let time = 0; time < TIMES && Object.keys(interactions).some(isSlow); time += 1) {
    for (const [name, interact] of Object.entries(interactions)) {
      const duration = await untilPaint(page, interact);
      fastest[name] = Math.min(fastest[name] ?? Number.POSITIVE_INFINITY, duration);
    }
  }
  console.log('from input to paint, in milliseconds', fastest);
  for (const [name, duration] of Object.entries(fastest))
    expect(duration, name).toBeLessThan(LIMIT_MS);
  // Without a single observation nothing would be measured.
  expect(Math.max(...Object.values(fastest))).toBeGreaterThan(0);
  // What the list has drawn is looked at for real: the filter has a row left, and it is the one.
  await find.fill('job 117');
  await page.getByText(`1 of ${COUNT}`).waitFor();
  await page.close();
});

import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, inject } from 'vitest';
import { DemoProcess } from './demo-process.ts';

/** A server and a Chromium. */
export interface DemoInBrowser {
  readonly demo: DemoProcess;
  readonly browser: Browser;
  /** A page that may use the server, at one of its places; with a context of its own. */
  open(place: string): Promise<Page>;
}

/** How long a page waits for what a test looks for, on a busy machine. */
const patienceMs = 90_000;

/**
 * Gives the tests of a file a server and a Chromium, from before the first to after the last. Call it at the top of the file; what
 * it returns is there in hooks and tests. `environment` is what the server's has besides this process's.
 */
export function demoInBrowser(environment: Readonly<Record<string, string>> = {}): DemoInBrowser {
  let started: { readonly demo: DemoProcess; readonly browser: Browser } | undefined;
  const running = (): NonNullable<typeof started> => {
    if (started) return started;
    throw new Error('the server and the browser are there only once the hooks have run');
  };
  beforeAll(async () => {
    const [demo, browser] = await Promise.all([DemoProcess.start(environment), sharedChromium()]);
    started = { demo, browser };
  });
  afterAll(async () => {
    await started?.browser.close();
    await started?.demo[Symbol.asyncDispose]();
  });
  return {
    get demo() {
      return running().demo;
    },
    get browser() {
      return running().browser;
    },
    open: async (place) => {
      // What moves in, in and out, is waited for as long as it moves.
      const page = await running().browser.newPage({ reducedMotion: 'reduce' });
      page.setDefaultTimeout(patienceMs);
      await signIn(page, running().demo);
      await page.goto(`${running().demo.origin}${place}`);
      return page;
    },
  };
}

/** Gives a page's context the session that the printed address would give it. */
export async function signIn(page: Page, { cookie, origin }: DemoProcess): Promise<void> {
  const [name = '', value = ''] = cookie.split('=');
  await page
    .context()
    .addCookies([{ name, value, url: origin, httpOnly: true, sameSite: 'Strict' }]);
}

/** The Chromium that all test files share; what one opens in it, no other sees. Close it after. */
export function sharedChromium(): Promise<Browser> {
  const shared = inject('chromium');
  if ('missing' in shared) throw new Error(shared.missing);
  return chromium.connect(shared.endpoint);
}

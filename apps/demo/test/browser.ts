import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const results = path.join(import.meta.dirname, '..', 'test-results');

/** Where Chromium is: `CHROMIUM_PATH`, else where Debian's package puts it. */
function chromiumPath(): string {
  const place = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  if (existsSync(place)) return place;
  throw new Error(
    `these tests need Chromium, and there is none at ${place}: apt-get install chromium, or set CHROMIUM_PATH`,
  );
}

/** How Chromium is started. Throws where there is none. */
export function chromiumOptions(): { readonly executablePath: string; readonly args: string[] } {
  // Without its own sandbox, which needs user namespaces that root in a container does not get.
  return { executablePath: chromiumPath(), args: ['--no-sandbox'] };
}

/** A Chromium of its own, without a window. Close it after. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch(chromiumOptions());
}

/** Keeps a picture of a page in `test-results/`, for people. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir(results, { recursive: true });
  await page.screenshot({ path: path.join(results, `${name}.png`) });
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly places: readonly string[];
}

const colorRules = ['color-contrast', 'link-in-text-block'];
let axe: Promise<string> | undefined;

/** What axe finds on a page as it is now that is serious or worse: empty where nothing is. */
export async function seriousFindings(
  page: Page,
  about: 'everything' | 'colors' = 'everything',
): Promise<readonly Finding[]> {
  axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Not as a script of the page, whose policy forbids it.
  if (await page.evaluate(`!('axe' in window)`)) await page.evaluate(await axe);
  const rules =
    about === 'everything'
      ? ''
      : `runOnly: { type: 'rule', values: ${JSON.stringify(colorRules)} },`;
  return page.evaluate<
    readonly Finding[]
  >(`axe.run(document, { ${rules} resultTypes: ['violations'] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, impact, help, nodes }) => ({
        id, impact, help, places: nodes.map(({ target }) => target.join(' ')) })))`);
}

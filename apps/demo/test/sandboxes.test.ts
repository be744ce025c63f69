import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { demoInBrowser, signIn } from './demo-in-browser.ts';

// What people do with a sandbox, on the page, with real sandboxes of `local`.

const running = demoInBrowser();

async function open(): Promise<Page> {
  const page = await running.open('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** The sandbox of the page's address. */
function sandboxOf(page: Page): string {
  return decodeURIComponent(new URL(page.url()).pathname.split('/')[2] ?? '');
}

/** What a file of a sandbox holds, as the server has it. */
async function contents(sandbox: string, file: string): Promise<string> {
  const answer = await running.demo.request('GET', `sandboxes/${sandbox}/files?path=${file}`);
  return answer.ok ? answer.text() : `status ${answer.status}`;
}

test('a sandbox is planned, made, used in its terminal, its files changed, suspended, resumed and destroyed', async () => {
  const page = await open();
  await page.getByRole('link', { name: 'New sandbox' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('textbox', { name: 'Name', exact: true }).fill('first');

  // What is wrong is shown where it is, and nothing can be made of it.
  const editor = drawer.getByRole('textbox', { name: 'Manifest' });
  await editor.fill('spec: gantry-manifest/1\nnetwork:\n  mode: everything\n');
  const plan = drawer.getByRole('region', { name: 'Plan' });
  await plan.getByText('in the manifest').waitFor();
  await drawer.locator('.cm-lintRange-error').first().waitFor();
  const create = drawer.getByRole('button', { name: 'Create', exact: true });
  expect(await create.isDisabled()).toBe(true);

  // The schema completes a value.
  await editor.fill('spec: gantry-manifest/1\nnetwork:\n  mode: ');
  await editor.press('Control+End');
  await editor.press('Control+Space');
  await page.getByRole('option', { name: 'allow-list' }).waitFor();
  await editor.press('Escape');

  await editor.fill(
    'spec: gantry-manifest/1\nentries:\n  greet.sh:\n    type: file\n    text: echo hello from $(id -un)\n',
  );
  await plan.getByText('This will be done on local').waitFor();
  expect(await plan.textContent()).toContain('greet.sh');
  await create.click();
  await page.waitForURL(/\/sandboxes\/local\./);
  const id = sandboxOf(page);

  // The terminal is a real one, and what it does is in the sandbox.
  const terminal = page.getByTestId('terminal');
  await page.getByText('connected').waitFor();
  await terminal.click();
  await page.keyboard.type('sh greet.sh | tee said.txt; tty >> said.txt\n');
  await expect
    .poll(() => contents(id, 'said.txt'), { timeout: 60_000 })
    .toMatch(/^hello from \w+\n\/dev\/pts\/\d+\n$/);

  await page.getByRole('tab', { name: 'Files' }).click();
  await page.getByRole('button', { name: /^said\.txt/ }).click();
  const text = page.getByRole('textbox', { name: 'Contents of said.txt' });
  await text.fill('changed on the page\n');
  await page.getByText('not saved').waitFor();

  // Neither the place nor what was typed is lost by a reload.
  await page.reload();
  expect(await text.innerText()).toContain('changed on the page');
  expect(await contents(id, 'said.txt')).toContain('hello');
  await text.press('Control+s');
  await page.getByText('not saved').waitFor({ state: 'detached' });
  expect(await contents(id, 'said.txt')).toBe('changed on the page\n');

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('said.txt');

  const bytes = Buffer.from([0, 255, 1, 254]);
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'up.bin', mimeType: 'application/octet-stream', buffer: bytes });
  await page.getByRole('button', { name: /^up\.bin/ }).click();
  await page.getByText('4 B, not text.').waitFor();

  await page.getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('It is suspended').waitFor();
  await page.getByRole('button', { name: 'Resume' }).first().click();
  await page.getByText('4 B, not text.').waitFor();

  await page.getByRole('button', { name: 'Destroy' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Destroy' }).click();
  await page.waitForURL(/\/sandboxes$/);
  await page.getByText('No sandbox yet').waitFor();
  expect(await running.demo.call('GET', 'sandboxes')).toEqual([]);
  await page.close();
});

test('everything is done by the keyboard alone', async () => {
  const page = await open();
  const { keyboard } = page;
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const { activeElement } = document;
      if (activeElement === null || activeElement === document.body) return 'the page';
      return activeElement.getAttribute('aria-label') ?? activeElement.textContent;
    });
  const tabTo = async (wanted: RegExp, key = 'Tab'): Promise<void> => {
    for (let presses = 0; presses < 60 && !wanted.test(await focused()); presses += 1)
      await keyboard.press(key);
    expect(await focused()).toMatch(wanted);
  };

  await keyboard.press('c');
  const drawer = page.getByRole('dialog');
  const name = drawer.getByRole('textbox', { name: 'Name', exact: true });
  await name.waitFor();
  await expect
    .poll(() => name.evaluate((field) => field === document.activeElement), { timeout: 60_000 })
    .toBe(true);
  await keyboard.type('by-keys');
  await drawer.getByText('This will be done on local').waitFor();
  // Out of the editor too: Tab is never caught.
  await tabTo(/^Create$/);
  await keyboard.press('Enter');
  await page.waitForURL(/\/sandboxes\/local\./);
  const id = sandboxOf(page);

  await page.getByText('connected').waitFor();
  await keyboard.type('echo typed > keys.txt\n');
  await expect.poll(() => contents(id, 'keys.txt'), { timeout: 60_000 }).toBe('typed\n');
  await keyboard.press('Shift+Escape');
  expect(await focused()).toBe('New shell');

  // Ctrl-K is the shell's there: it takes away the end of a line. Cmd-K is not.
  const palette = page.getByPlaceholder('Go to, or do…');
  await keyboard.press('Shift+Tab');
  await tabTo(/^Terminal input$/);
  await keyboard.type('echo cut > cut.txt; exit');
  for (let letters = 0; letters < '; exit'.length; letters += 1) await keyboard.press('ArrowLeft');
  await keyboard.press('Control+k');
  await keyboard.press('Enter');
  await expect.poll(() => contents(id, 'cut.txt'), { timeout: 60_000 }).toBe('cut\n');
  expect(await palette.count()).toBe(0);
  await keyboard.press('Meta+k');
  await palette.waitFor();
  await keyboard.press('Escape');
  await palette.waitFor({ state: 'hidden' });
  await keyboard.press('Shift+Escape');

  // Go to the list, find the sandbox, in again; the palette leads elsewhere; Escape closes.
  await keyboard.press('g');
  await keyboard.press('s');
  await page.waitForURL(/\/sandboxes$/);
  await tabTo(/^Find by name/);
  await keyboard.type('by-keys');
  await page.getByText('1 of 1').waitFor();
  // In a field, too, it opens and closes.
  await keyboard.press('Control+k');
  await palette.waitFor();
  await keyboard.press('Control+k');
  await palette.waitFor({ state: 'hidden' });
  await tabTo(/^by-keys/);
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.waitForURL(/\/sandboxes\/local\./);
  // The terminal has the focus at once, and Shift-Tab leads out of it.
  await expect.poll(focused, { timeout: 60_000 }).toBe('Terminal input');
  await tabTo(/^Terminal$/, 'Shift+Tab');
  await keyboard.press('ArrowRight');
  await page.waitForURL(/\/files$/);
  await page.getByRole('button', { name: /^keys\.txt/ }).waitFor();

  await keyboard.press('Control+k');
  await palette.waitFor();
  await expect.poll(focused, { timeout: 60_000 }).toBe(await palette.getAttribute('aria-label'));
  await keyboard.type('providers');
  await page.locator('[data-selected]', { hasText: 'Providers' }).waitFor();
  await keyboard.press('Enter');
  await page.waitForURL(/\/providers$/);
  await palette.waitFor({ state: 'hidden' });
  await keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
  await page.close();
});

test('eight tabs share one stream of events, and the next goes on with it when its tab is closed', async () => {
  const { browser, demo } = running;
  const context = await browser.newContext();
  const streams: string[] = [];
  context.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname === '/api/events') streams.push(search);
  });
  const pages: Page[] = [];
  for (let count = 0; count < 8; count += 1) {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    if (count === 0) await signIn(page, demo);
    await page.goto(`${demo.origin}/sandboxes`);
    await page.getByText('Live', { exact: true }).waitFor();
    pages.push(page);
  }
  const allShow = (name: string): Promise<unknown> =>
    Promise.all(
      pages.map((page) => page.getByRole('listitem').filter({ hasText: name }).waitFor()),
    );
  await demo.sandbox({ provider: 'local', name: 'told-to-all' });
  await allShow('told-to-all');
  expect(streams).toEqual(['']);

  await pages.shift()?.close();
  await demo.sandbox({ provider: 'local', name: 'told-to-the-rest' });
  await allShow('told-to-the-rest');
  // It asked for what it had not heard yet, not from the beginning.
  expect(streams).toHaveLength(2);
  expect(streams[1]).toMatch(/^\?since=\d+$/);
  await context.close();
});

import { expect, test } from 'vitest';
import { picture } from './browser.ts';
import { demoInBrowser } from './demo-in-browser.ts';

const running = demoInBrowser();

test('an emulator is started with a click, and wherever its provider is named it is marked', async () => {
  const page = await running.open('/providers');
  const { origin } = running.demo;
  const card = page.getByRole('article', { name: 'e2b' });
  await card.getByText('not ready').waitFor();
  expect(await card.getByText('emulated', { exact: true }).count()).toBe(0);
  await card.getByRole('button', { name: 'Start emulator' }).click();
  await page.getByRole('menuitem', { name: /^local/ }).click();
  await card.getByText('emulated', { exact: true }).waitFor();
  await card.getByText('made by local').waitFor();
  const columns = page.getByRole('table').getByRole('columnheader');
  expect(await columns.filter({ hasText: 'emulated' }).allTextContents()).toEqual(['e2bemulated']);
  await picture(page, 'providers-emulated');

  await card.getByRole('link', { name: 'New sandbox' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('textbox', { name: 'Name', exact: true }).fill('stand-in');
  const plan = drawer.getByRole('region', { name: 'Plan' });
  await plan.getByText('emulated', { exact: true }).waitFor();
  expect(await drawer.getByLabel('Provider').inputValue()).toBe('e2b (emulated)');
  await drawer.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/sandboxes\/e2b\./);
  await page.getByRole('heading', { level: 1, name: 'stand-in' }).waitFor();
  await page.locator('main header').getByText('emulated', { exact: true }).waitFor();
  await page.getByText('connected').waitFor();
  await page.getByRole('tab', { name: 'About' }).click();
  await page.getByText('stands in for the vendor').waitFor();

  await page.goto(`${origin}/sandboxes`);
  const row = page.getByRole('listitem').filter({ hasText: 'stand-in' });
  await row.getByText('emulated', { exact: true }).waitFor();
  await page.goto(`${origin}/`);
  for (const panel of ['Providers', 'Sandboxes now'])
    await page
      .getByRole('region', { name: panel })
      .getByText('emulated', { exact: true })
      .waitFor();

  await page.goto(`${origin}/providers/e2b`);
  await page.getByRole('dialog').getByRole('button', { name: 'Stop emulator' }).click();
  await page.getByRole('dialog').getByText('not ready').waitFor();
  await page.close();
});

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { ComparisonView } from '../src/protocol/compare.ts';
import type { SandboxView } from '../src/protocol/sandboxes.ts';
import type { SnapshotView } from '../src/protocol/snapshots.ts';
import { demoInBrowser } from './demo-in-browser.ts';
import { checkLook, looks, whileLooking } from './looks.ts';

// Snapshots, their branches side by side, and what proves a provider, as people use them on the pages.

const running = demoInBrowser();
let page: Page;
let base = '';
let comparison = '';
let agents = '';
let suite = '';

beforeAll(async () => {
  const { demo } = running;
  const manifest = 'spec: gantry-manifest/1\nentries: { a.txt: { type: file, text: hello } }\n';
  const sandbox = await demo.sandbox({ provider: 'local', name: 'base', manifest });
  await demo.call('POST', `sandboxes/${sandbox}/snapshot`, { name: 'the base' });
  const [taken] = await demo.until<readonly SnapshotView[]>(
    'snapshots',
    ({ length }) => length > 0,
  );
  base = taken?.id ?? '';
  page = await running.open(`/snapshots/${base}`);
});

test('branches of a snapshot are run side by side, and one is kept', async () => {
  await page.getByRole('link', { name: 'Fork and compare' }).last().click();
  const form = page.getByRole('form', { name: 'New comparison' });
  await form.getByLabel('Command of branch 1').fill('cat a.txt; echo one > one.txt');
  await form.getByLabel('Command of branch 2').fill('rm a.txt; exit 3');
  await form.getByRole('button', { name: 'Fork and run' }).click();
  await page.waitForURL(/\/compare\/[0-9a-f-]{36}$/);
  comparison = new URL(page.url()).pathname.split('/')[2] ?? '';

  const [first, second] = [1, 2].map((number) =>
    page.getByRole('article', { name: `Branch ${number}` }),
  );
  await first?.getByText('Changed 1 path').waitFor();
  expect(await first?.getByLabel('Output of branch 1').textContent()).toBe('hello');
  await first?.getByText('exit 0').waitFor();
  await second?.getByText('exit 3', { exact: true }).waitFor();
  await second?.getByText('a.txt', { exact: true }).waitFor();

  await first?.getByRole('button', { name: 'Keep this one' }).click();
  await page.getByText('branch 1 kept').waitFor();
  const { branches } = await running.demo.call<ComparisonView>('GET', `compare/${comparison}`);
  const left = await running.demo.until<readonly SandboxView[]>(
    'sandboxes',
    ({ length }) => length === 2,
  );
  expect(left.map(({ id }) => id)).toContain(branches[0]?.sandbox);
  // It survives a reload, and leads on.
  await page.reload();
  await page.getByRole('link', { name: 'Open the kept sandbox' }).waitFor();
});

test('an agent works on a task of its own in each branch, is marked as scripted, and can be stopped', async () => {
  const { demo } = running;
  await page.goto(`${demo.origin}/compare?snapshot=${base}`);
  const form = page.getByRole('form', { name: 'New comparison' });
  await form.getByText('Agent', { exact: true }).click();
  await form.getByText('scripted', { exact: true }).waitFor();
  await form
    .getByLabel('Task of branch 1')
    .fill('Greet.\n$ sed s/hello/bye/ a.txt > bye.txt\n$ cat bye.txt');
  await form.getByLabel('Task of branch 2').fill('Wait.\n$ cp a.txt b.txt; sleep 3600');
  await form.getByRole('button', { name: 'Fork and run' }).click();
  await page.waitForURL(/\/compare\/[0-9a-f-]{36}$/);
  agents = new URL(page.url()).pathname.split('/')[2] ?? '';

  const [first, second] = [1, 2].map((number) =>
    page.getByRole('article', { name: `Branch ${number}` }),
  );
  await first?.getByText('Changed 2 paths').waitFor();
  await first?.getByText('scripted', { exact: true }).waitFor();
  const steps = page.getByLabel('Steps of branch 1').getByRole('listitem');
  expect(await steps.nth(2).textContent()).toMatch(/^shell.*\$ cat bye\.txtbye\n\[exit code 0\]$/s);
  expect(await steps.last().textContent()).toContain('I am a script, not a model');
  await page.getByRole('region', { name: 'Timeline' }).getByText('script chooses').waitFor();

  // A step is shown while it is under way; what was done before it is ended is kept.
  await page.getByLabel('Steps of branch 2').getByText('sleep 3600').last().waitFor();
  await second?.getByRole('button', { name: 'Stop' }).click();
  await second?.getByText('stopped by hand').first().waitFor();
  await second?.getByText('Changed 2 paths').waitFor();

  const { branches, state } = await demo.until<ComparisonView>(
    `compare/${agents}`,
    (view) => view.state !== 'running',
  );
  expect(state).toBe('done');
  const file = await demo.request(
    'GET',
    `sandboxes/${encodeURIComponent(branches[0]?.sandbox ?? '')}/files?path=bye.txt`,
  );
  expect(await file.text()).toBe('bye');
  expect(branches[1]).toMatchObject({ stopped: true, agent: { model: { id: 'scripted' } } });
  expect(branches[1]?.differences?.map((each) => each.path)).toEqual(['TASK.md', 'b.txt']);
  // Neither of them is in the way of what comes after.
  await demo.call('POST', `compare/${agents}/keep`, { branch: 0 });
});

test('two snapshots are compared, one is verified and rehydrated', async () => {
  const all = await running.demo.call<readonly SnapshotView[]>('GET', 'snapshots');
  const branch = all.find(({ parent }) => parent === base);
  await page.goto(`${running.demo.origin}/snapshots/${branch?.id}?with=${base}`);
  const history = page.getByRole('navigation', { name: 'History of snapshots' });
  await history.getByText('the base').waitFor();
  await page.getByRole('list', { name: 'Paths that differ' }).getByRole('listitem').waitFor();

  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('read and digested').waitFor();
  expect(await page.getByText('Whole', { exact: true }).count()).toBe(1);

  await page.getByRole('button', { name: 'Rehydrate', exact: true }).click();
  await page.getByText('Rehydrated, equal by digest').waitFor();
  await page.getByRole('link', { name: 'Open the sandbox' }).click();
  await page.waitForURL(/\/sandboxes\/local\./);
  const id = decodeURIComponent(new URL(page.url()).pathname.split('/')[2] ?? '');
  const made = await running.demo.call<SandboxView>('GET', `sandboxes/${id}`);
  expect(made.snapshot).toBe(branch?.id);
});

test('the suite runs live, check by check, and its report can be had', async () => {
  await page.goto(`${running.demo.origin}/conformance`);
  await page.getByRole('combobox', { name: 'Profiles' }).click();
  await page.getByRole('option', { name: /^metrics/ }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Run the suite', exact: true }).click();
  await page.waitForURL(/\/conformance\/[0-9a-f-]{36}$/);
  suite = new URL(page.url()).pathname.split('/')[2] ?? '';
  await page.getByText('conformant', { exact: true }).first().waitFor();
  await page
    .getByRole('button', { name: /^metrics\/.*: passed/ })
    .first()
    .click();
  await page.getByRole('dialog').getByText('Requirement').waitFor();
  await page.keyboard.press('Escape');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByRole('menuitem', { name: 'Report (JSON)' }).click();
  expect((await download).suggestedFilename()).toBe('conformance-local.json');
});

test('the kill matrix tells for each broken provider what noticed', async () => {
  await page.goto(`${running.demo.origin}/conformance?show=matrix`);
  await page.getByLabel('Find a broken provider or a check').fill('core/exec-argv');
  const rows = page.getByRole('button', { name: /noticed/ });
  await rows.first().click();
  const checks = page.getByRole('listitem').getByText(/^core\/exec-argv/);
  expect(await checks.first().isVisible()).toBe(true);
});

test.each(looks)(
  '$width pixels wide, the pages of snapshots, comparisons and conformance look as they should',
  whileLooking,
  async (look) => {
    const checked = checkLook(running, look, [
      ['snapshots', `/snapshots/${base}`, 'dl'],
      ['snapshot-contents', `/snapshots/${base}?show=contents`, 'a[download]'],
      ['new-comparison', '/compare', 'fieldset input'],
      ['new-agents', '/compare?work=agent', 'fieldset textarea'],
      ['agents', `/compare/${agents}`, 'article'],
      ['comparison', `/compare/${comparison}`, 'article'],
      ['reports', '/conformance', 'td'],
      ['kill-matrix', '/conformance?show=matrix', 'canvas'],
      ['suite', `/conformance/${suite}`, 'button[data-status="pass"]'],
    ]);
    await expect(checked).resolves.toBeUndefined();
  },
);

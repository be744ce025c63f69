import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SandboxView } from '../src/protocol/sandboxes.ts';
import { launchChromium } from './browser.ts';
import { DemoProcess } from './demo-process.ts';

// What the page shows as code is run, against the same state, and must do what its action does.

const gantry = path.join(import.meta.dirname, '..', 'node_modules', 'gantry', 'bin', 'gantry.js');
const run = promisify(execFile);

let demo: DemoProcess;
let browser: Browser;
/** Below this package, so that programs find what it depends on. */
let folder: string;

beforeAll(async () => {
  [demo, browser] = await Promise.all([DemoProcess.start(), launchChromium()]);
  folder = await mkdtemp(path.join(import.meta.dirname, 'copied-'));
});
afterAll(async () => {
  await browser.close();
  // Those that the code has made are not the server's own.
  await shell('npx gantry destroy --all --yes');
  await demo[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({
  cwd: folder,
  env: { ...process.env, GANTRY_STATE_DIRECTORY: path.join(demo.directory, 'local') },
});

async function typescript(code: string): Promise<string> {
  const file = path.join(folder, 'program.ts');
  await writeFile(file, code);
  return (await run(process.execPath, [file], options())).stdout;
}

async function shell(code: string): Promise<string> {
  const line = code.replaceAll('npx gantry', `'${process.execPath}' '${gantry}'`);
  return (await run('/bin/sh', ['-ec', line], options())).stdout;
}

/** Opens the button's code and reads it in both languages; of one action, where there are more. */
async function copied(page: Page, button: RegExp, action?: string): Promise<[string, string]> {
  await page.getByRole('button', { name: button }).click();
  const popover = page.getByRole('dialog', { name: button });
  if (action !== undefined) await popover.getByRole('combobox').selectOption(action);
  const code = popover.getByLabel(/^Code that does this/);
  await popover.getByText('TypeScript', { exact: true }).click();
  const program = await code.textContent();
  await popover.getByText('Command line', { exact: true }).click();
  const line = await code.textContent();
  await page.keyboard.press('Escape');
  await popover.waitFor({ state: 'detached' });
  return [program ?? '', line ?? ''];
}

const sandboxes = (): Promise<readonly SandboxView[]> => demo.call('GET', 'sandboxes');

test('code that is copied makes, uses, keeps and ends sandboxes as the buttons do', async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(demo.url);
  await page.goto(`${demo.origin}/sandboxes?create=1`);
  await page.getByText('A script and its data').click();
  await page.getByRole('region', { name: 'Plan' }).getByText('hello.sh').waitFor();
  const [make, makeLine] = await copied(page, /^As code: create/);
  expect(await typescript(make)).toContain("provider: 'local'");
  await shell(makeLine);
  const listed = JSON.parse(await shell('npx gantry ls --json')) as { sandboxes: unknown[] };
  expect(listed.sandboxes).toHaveLength(2);
  await page.reload();

  const id = await demo.sandbox({ provider: 'local', name: 'copied' });
  await page.goto(`${demo.origin}/sandboxes/${id}`);
  const [use] = await copied(page, /^As code: run/);
  expect(await typescript(use)).toMatch(/^\{ code: 0 \} Linux/);
  await demo.request('PUT', `sandboxes/${id}/files?path=a.txt`, 'from the page');
  await page.goto(`${demo.origin}/sandboxes/${id}/files?file=a.txt`);
  const [, readLine] = await copied(page, /^As code: read/);
  expect(await shell(readLine)).toBe('from the page');

  const [keep, keepLine] = await copied(page, /^As code/, 'take a snapshot');
  const snapshot = (await typescript(keep)).trim();
  expect(snapshot).toMatch(/^[0-9a-f]{64}$/);
  await shell(keepLine);
  const kept = await demo.call<readonly { id: string }[]>('GET', 'snapshots');
  expect(kept.map((each) => each.id)).toContain(snapshot);

  const [, end] = await copied(page, /^As code/, 'destroy it');
  await shell(end);
  await expect
    .poll(async () => (await sandboxes()).find((each) => each.id === id)?.state ?? 'gone', {
      timeout: 60_000,
    })
    .toBe('gone');
  await page.close();
});

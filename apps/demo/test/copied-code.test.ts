import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SandboxView } from '../src/protocol/sandboxes.ts';
import type { ComparisonView } from '../src/protocol/compare.ts';
import { operationDone } from './events.ts';
import { demoInBrowser } from './demo-in-browser.ts';
import { modelServer } from './model-server.ts';

// What the page shows as code is run, against the same state, and must do what its action does.

const gantry = path.join(import.meta.dirname, '..', 'node_modules', 'gantry', 'bin', 'gantry.js');
const run = promisify(execFile);

const model = await modelServer();
const environment = {
  ANTHROPIC_API_KEY: 'a-key',
  ANTHROPIC_BASE_URL: model.url,
  GANTRY_MODEL: 'claude-sonnet-4-5',
};
const running = demoInBrowser(environment);
/** Below this package, so that programs find what it depends on. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(import.meta.dirname, 'copied-'));
});
afterAll(async () => {
  await model.close();
  // Those that the code has made are not the server's own.
  await shell('npx gantry destroy --all --yes');
  await rm(folder, { recursive: true, force: true });
});

const options = () => ({
  cwd: folder,
  env: {
    ...process.env,
    ...environment,
    GANTRY_STATE_DIRECTORY: path.join(running.demo.directory, 'local'),
  },
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

const sandboxes = (): Promise<readonly SandboxView[]> => running.demo.call('GET', 'sandboxes');

test('code that is copied makes, uses, keeps and ends sandboxes as the buttons do', async () => {
  const { demo } = running;
  const page = await running.open('/sandboxes?create=1');
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

test("with a key an agent's branches are a real model's, and so is the code that is copied", async () => {
  const { demo } = running;
  const sandbox = await demo.sandbox({ provider: 'local', name: 'of-a-model' });
  const { snapshot } = await operationDone(demo, `sandboxes/${sandbox}/snapshot`, {});
  const branches = [{ provider: 'local', task: 'Write model.txt.' }];
  const { id } = await demo.call<{ id: string }>('POST', 'compare', { snapshot, branches });
  const {
    branches: [branch],
  } = await demo.until<ComparisonView>(`compare/${id}`, ({ state }) => state === 'done');
  expect(branch).toMatchObject({
    agent: {
      ...{ model: { id: 'claude-sonnet-4-5', vendor: 'Anthropic' }, said: 'It is written.' },
      ...{ status: 'finished', tokens: 4 },
    },
    differences: [{ path: 'model.txt', kind: 'added' }],
  });
  expect(model.asked()).toBe(2);

  const page = await running.open(`/compare/${id}`);
  const article = page.getByRole('article', { name: 'Branch 1' });
  await article.getByText('claude-sonnet-4-5').waitFor();
  await article.getByText('model says').waitFor();
  expect(await page.getByText('scripted', { exact: true }).count()).toBe(0);
  await page.getByRole('button', { name: /^As code/ }).click();
  const program = await page.getByLabel(/^Code that does this/).textContent();
  expect(await typescript(program ?? '')).toBe('It is written.\nadded model.txt\n');
  expect(model.asked()).toBe(4);
  await page.close();
});

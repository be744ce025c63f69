import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { RunEventView, VerificationView } from '../src/protocol/provenance.ts';
import type { DocumentFields, RunView } from '../src/protocol/runs.ts';
import { demoInBrowser, signIn } from './demo-in-browser.ts';
import { checkLook, looks, whileLooking } from './looks.ts';

// A real run on real sandboxes, killed by hand: what the pages say of it, and what its record does.

const running = demoInBrowser();
let page: Page;
let run = '';

beforeAll(async () => {
  page = await running.open('/runs');
});

const view = (): Promise<RunView> => running.demo.call('GET', `runs/${run}`);
const events = (): Promise<readonly RunEventView[]> =>
  running.demo.call('GET', `runs/${run}/events`);
const shown = (text: string): Promise<void> => page.getByText(text).first().waitFor();

// A minute of waiting where the machine is busy with something else.
test(
  'sandboxes and the harness are killed under a run, and it comes to the same end',
  { timeout: 300_000 },
  async () => {
    const { demo } = running;
    await page.getByRole('button', { name: 'New run' }).first().click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Only documents with').fill('c3');
    // The longest hold: what is killed must still be there when a busy machine's browser shows it.
    await form.getByRole('slider').press('End');
    await form.getByRole('button', { name: 'Start the run' }).click();
    await page.waitForURL(/\/runs\/records-/);
    run = new URL(page.url()).pathname.split('/')[2] ?? '';

    // A sandbox is ended under its branch, which begins again in another.
    await page
      .getByRole('button', { name: /^Kill the sandbox of / })
      .first()
      .click();
    await expect
      .poll(async () => (await events()).filter(({ attempt }) => attempt === 2).length, {
        timeout: 60_000,
      })
      .toBeGreaterThan(0);

    // The process that drives the run gets SIGKILL: nothing drives it until somebody goes on with it.
    const { harness } = await view();
    await page.getByRole('button', { name: 'Kill the harness' }).click();
    await shown('interrupted');
    expect(() => process.kill(harness.pid ?? 0, 0)).toThrow('ESRCH');
    // The server that showed it may end too: all there is to go on from is on disk.
    await demo.stop();
    await demo.startAgain();
    await signIn(page, demo);
    await page.goto(`${demo.origin}/runs/${run}`);
    await page.getByRole('button', { name: 'Go on with it' }).click();

    await page.getByRole('button', { name: 'Allow and go on' }).click();
    await shown('finished');
    const { results, released = '' } = await view();
    expect(results).toHaveLength(3);
    for (const result of results) {
      expect(result.status).toBe('verified');
      expect(result.fields).toBeGreaterThan(0);
    }
    // What left the run is what was read, by the digests that it was given.
    const sums = await readFile(path.join(released, 'SHA256SUMS'), 'utf8');
    expect(sums.trim().split('\n')).toHaveLength(3);

    // The workspace came back from the checkpoint, equal by digest.
    const all = await events();
    const checkpoint = all.findLast(({ type, snapshot }) => type === 'rollback' && snapshot);
    const back = all.find(
      ({ type, scope, sequence }) =>
        type === 'sandbox.created' && scope === undefined && sequence > (checkpoint?.sequence ?? 0),
    );
    expect(checkpoint?.after).toMatch(/^[0-9a-f]{64}$/);
    expect(back).toMatchObject({ after: checkpoint?.after, snapshot: checkpoint?.snapshot });

    await page.getByRole('tab', { name: 'What happened' }).click();
    await shown('lost its sandbox');
    await shown('The harness was gone');
    await shown('Workspace rehydrated');
    expect(await page.getByText('harness killed').locator('..').textContent()).toContain('1');
  },
);

test('every value leads to the bytes that it was read from', async () => {
  const { results } = await view();
  const { demo } = running;
  const [{ document } = { document: '' }] = results;
  await page.goto(`${demo.origin}/runs/${run}`);
  await page.getByRole('region', { name: 'Results' }).getByRole('link', { name: document }).click();
  const name = encodeURIComponent(document);
  const found = await demo.call<DocumentFields>('GET', `runs/${run}/fields?record=${name}`);
  const source = Buffer.from(
    await (await demo.request('GET', `runs/${run}/source?record=${name}`)).arrayBuffer(),
  );
  const born = found.fields.find((field) => field.path === 'patient.birthDate');
  await page.getByRole('button', { name: /^birth date/ }).click();
  const mark = page.locator('mark[data-selected]');
  expect(await mark.textContent()).toBe(born?.raw);
  expect(source.subarray(born?.start, born?.end).toString()).toBe(born?.raw);
  await expect.poll(() => mark.isVisible(), { timeout: 60_000 }).toBe(true);
  // A deep link shows the same.
  await page.reload();
  expect(await mark.textContent()).toBe(born?.raw);
});

test('the record is verified by the server and by the browser, and each tampering with a copy is found out', async () => {
  const { demo } = running;
  await page.goto(`${demo.origin}/provenance/${run}/12`);
  const verify = page.getByRole('button', { name: 'Verify', exact: true });
  await verify.click();
  await shown('Verified: this is what was written');
  const { length } = await events();
  await shown(`${length} of ${length} hashes made anew by this browser`);

  await page.getByRole('button', { name: 'Tamper', exact: true }).click();
  await shown('Tampering found out: event 12 of a copy was edited');
  for (const how of ['remove', 'swap', 'truncate', 'forge']) {
    const { verification } = await demo.call<{ verification: VerificationView }>(
      'POST',
      `runs/${run}/tamper`,
      { how, sequence: 12 },
    );
    expect(verification.verdict, how).toBe('broken');
  }
  await verify.click();
  await shown('Verified: this is what was written');

  const intoto = await demo.request('GET', `runs/${run}/export?format=intoto`);
  expect(await intoto.json()).toMatchObject({ _type: 'https://in-toto.io/Statement/v1' });
});

test.each(looks)(
  '$width pixels wide, the pages of runs look as they should',
  whileLooking,
  async (look) => {
    const { list } = await view();
    const [{ name: document } = { name: '' }] = list.toSorted((a, b) => a.bytes - b.bytes);
    const record = `/runs/${run}/records/${encodeURIComponent(document)}`;
    const checked = checkLook(running, look, [
      ['runs', '/runs', `a[href="/runs/${run}"]`],
      ['run', `/runs/${run}`, 'td'],
      ['run-moments', `/runs/${run}/moments`, 'ol > li'],
      ['record', record, 'mark[data-selected]'],
      ['provenance', `/provenance/${run}/12`, '[aria-current="true"]'],
    ]);
    await expect(checked).resolves.toBeUndefined();
  },
);

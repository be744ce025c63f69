import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { launchChromium } from '../apps/demo/test/browser.ts';
import { DemoProcess } from '../apps/demo/test/demo-process.ts';
import { operationDone } from '../apps/demo/test/events.ts';
import { requireBuild } from './built.ts';
import { buildDemoClient } from './demo-client.ts';
import { root } from './repository.ts';

// Makes the pictures of the README from the running app: what they show has happened.

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof launchChromium>>['newPage']>>;

const folder = path.join(root, 'apps', 'demo', 'pictures');

await requireBuild();
const { code, output } = await buildDemoClient();
if (code !== 0) {
  process.stderr.write(`${output}The demo's client could not be built.\n`);
  process.exit(code);
}
await mkdir(folder, { recursive: true });
await using demo = await DemoProcess.start();
const browser = await launchChromium();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  await page.goto(demo.url);
  await comparison(page);
  await run(page);
} finally {
  await browser.close();
}

async function keep(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('load');
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file, animations: 'disabled' });
  process.stdout.write(`${path.relative(root, file)}\n`);
}

/** One snapshot, and what three ways to go on from it leave, on this machine and at two emulated vendors. */
async function comparison(page: Page): Promise<void> {
  for (const vendor of ['e2b', 'vercel'])
    await demo.call('POST', `providers/${vendor}/emulator`, { backend: 'local' });
  const manifest = [
    'spec: gantry-manifest/1',
    'name: word-count',
    'entries:',
    '  words.txt: { type: file, text: "the quick brown fox\\njumps over the lazy dog\\nthe end\\n" }',
  ].join('\n');
  const id = await demo.sandbox({ provider: 'local', name: 'word-count', manifest });
  const { snapshot } = await operationDone(demo, `sandboxes/${id}/snapshot`, { name: 'words' });
  const split = "tr ' ' '\\n' < words.txt";
  const branches = [
    { provider: 'local', command: `${split} | sort | uniq -c | sort -rn | tee counts.txt` },
    { provider: 'e2b', command: `${split} | sort -u | tee unique.txt` },
    { provider: 'vercel', command: 'wc -w words.txt | tee total.txt; rm words.txt' },
  ];
  const request = { snapshot, branches };
  const { id: made } = await demo.call<{ id: string }>('POST', 'compare', request);
  await demo.until<{ state: string }>(`compare/${made}`, ({ state }) => state === 'done');
  await page.goto(`${demo.origin}/compare/${made}`);
  await page.getByText('total.txt').last().waitFor();
  await keep(page, 'compare');
}

/** The clinical records, once everything is read. */
async function run(page: Page): Promise<void> {
  const request = { holdSeconds: 1, approval: false };
  const { id } = await demo.call<{ id: string }>('POST', 'runs', request);
  interface Progress {
    readonly documents: number;
    readonly documentsDone: number;
    readonly state: string;
  }
  const half = ({ documents, documentsDone }: Progress): boolean =>
    documents > 0 && documentsDone >= documents / 2;
  await page.goto(`${demo.origin}/runs/${id}`);
  await demo.until<Progress>(`runs/${id}`, half);
  await keep(page, 'run');
  await demo.until<Progress>(`runs/${id}`, ({ state }) => state === 'finished');
}

import { beforeAll, expect, test } from 'vitest';
import { demoInBrowser } from './demo-in-browser.ts';
import { checkLook, looks, type Place, whileLooking } from './looks.ts';

// How the pages look and hold: both color schemes, a desktop and a phone.

const running = demoInBrowser();
let sandbox: string;

beforeAll(async () => {
  const manifest = 'spec: gantry-manifest/1\nentries: { a.txt: { type: file, text: hello } }\n';
  sandbox = await running.demo.sandbox({ provider: 'local', name: 'looked-at', manifest });
});

/** Each place, and what is on it once it is complete. */
const places = (): readonly Place[] => [
  ['overview', '/', '.numbers'],
  ['providers', '/providers', 'table'],
  ['provider', '/providers/local', 'dl'],
  ['sandboxes', '/sandboxes', `a[href*="${sandbox}"]`],
  ['new-sandbox', '/sandboxes?create=1', '.cm-content'],
  ['terminal', `/sandboxes/${sandbox}/terminal`, '.xterm-screen'],
  ['files', `/sandboxes/${sandbox}/files?file=a.txt`, '.cm-content'],
  ['resources', `/sandboxes/${sandbox}/resources`, '.u-wrap'],
  ['about', `/sandboxes/${sandbox}/about`, 'dl'],
];

test.each(looks)(
  '$width pixels wide, no page has a serious finding of axe, moves by itself or is wider than the window',
  whileLooking,
  async (look) => {
    await expect(checkLook(running, look, places())).resolves.toBeUndefined();
  },
);

import { request as httpRequest } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket as Socket } from 'ws';
import { sharedChromium } from './demo-in-browser.ts';
import { DemoProcess } from './demo-process.ts';

// Who is let in. What the page itself sends is in every other test; here is what everybody else could.

let demo: DemoProcess;

beforeAll(async () => {
  demo = await DemoProcess.start();
});
afterAll(() => demo[Symbol.asyncDispose]());

type Headers = Readonly<Record<string, string>>;

/** A request with exactly these headers, which `fetch` would not send. */
function status(method: string, place: string, headers: Headers): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(`${demo.origin}${place}`, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** What the page's own requests carry. */
const own = (): Headers => ({ cookie: demo.cookie, origin: demo.origin, 'x-gantry-demo': '1' });
const without = (name: string): Headers =>
  Object.fromEntries(Object.entries(own()).filter(([header]) => header !== name));

describe('a request', () => {
  test('of the page itself is let in', async () => {
    expect(await status('GET', '/api/state', { cookie: demo.cookie })).toBe(200);
    expect(await status('POST', '/api/manifest/plan', own())).toBe(400);
  });

  test.each([
    ['without the cookie', () => without('cookie'), 401],
    ['with another cookie', () => ({ ...own(), cookie: `${demo.cookie}x` }), 401],
    ['without an Origin', () => without('origin'), 403],
    ['with the Origin of another port', () => ({ ...own(), origin: 'http://127.0.0.1:1' }), 403],
    ['with no Origin to tell', () => ({ ...own(), origin: 'null' }), 403],
    ['without the header that no form can send', () => without('x-gantry-demo'), 403],
    ['from a page of the same machine', () => ({ ...own(), 'sec-fetch-site': 'same-site' }), 403],
    ['by a name that was made to lead here', () => ({ ...own(), host: 'rebound.test' }), 403],
  ])('that changes something, %s, is refused', async (_name, headers, code) => {
    expect(await status('POST', '/api/manifest/plan', headers())).toBe(code);
  });

  test('for reading is refused to pages elsewhere and to other names', async () => {
    const { cookie } = demo;
    expect(await status('GET', '/api/state', {})).toBe(401);
    expect(await status('GET', '/api/events', {})).toBe(401);
    expect(await status('GET', '/api/state', { cookie, host: 'rebound.test' })).toBe(403);
    expect(await status('GET', '/api/state', { cookie, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status('GET', '/', {})).toBe(401);
    expect(await status('GET', '/?token=wrong', {})).toBe(401);
    const { searchParams } = new URL(demo.url);
    const away = `${demo.origin}//evil.test/?token=${searchParams.get('token')}`;
    const stays = await fetch(away, { redirect: 'manual' });
    expect(stays.headers.get('location')).toBe('/evil.test/');
  });

  test('for a terminal needs the Origin and the cookie', async () => {
    const open = (headers: Headers): Promise<string> =>
      new Promise((resolve) => {
        const place = '/api/sandboxes/local.none/terminal';
        const socket = new Socket(`${demo.origin.replace('http', 'ws')}${place}`, { headers });
        socket.once('open', () => socket.close());
        socket.once('error', ({ message }) => resolve(message));
        socket.once('close', (code) => resolve(`closed with ${code}`));
      });
    const { cookie, origin } = demo;
    // Let in: it is told that there is no such sandbox.
    expect(await open({ cookie, origin })).toMatch(/^closed with/);
    expect(await open({ origin })).toContain('401');
    expect(await open({ cookie })).toContain('403');
    expect(await open({ cookie, origin: 'http://evil.test' })).toContain('403');
    expect(await open({ cookie, origin, host: 'rebound.test' })).toContain('403');
  });
});

describe('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await sharedChromium();
  });
  afterAll(() => browser.close());

  test('the address with the token opens the page, which is held to its policy', async () => {
    const page = await browser.newPage();
    const answer = await page.goto(demo.url);
    expect(page.url()).toBe(`${demo.origin}/`);
    const headers = (await answer?.allHeaders()) ?? {};
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['access-control-allow-origin']).toBeUndefined();
    // The session is out of reach of scripts, and the page works with it.
    const seen = await page.evaluate(async () => ({
      cookie: document.cookie,
      state: (await fetch('/api/state')).status,
      inline: Reflect.get(window, 'inline') as unknown,
    }));
    expect(seen).toEqual({ cookie: '', state: 200, inline: undefined });
    await page.close();
  });

  test('a page elsewhere reaches nothing, though the browser has the session', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(demo.url);
    // What the page itself asks is over when the browser has left it.
    await page.goto('about:blank');
    const elsewhere = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>elsewhere</title>');
    });
    await new Promise<void>((resolve) => {
      elsewhere.listen(0, '127.0.0.1', resolve);
    });
    const { port } = elsewhere.address() as AddressInfo;
    const answers: { method: string; url: string; code: number }[] = [];
    page.on('response', (response) => {
      const [method, code] = [response.request().method(), response.status()];
      answers.push({ method, url: response.url(), code });
    });
    // Of the same machine, so that the browser sends its cookie along; and of another site.
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      await page.goto(`http://${host}/`);
      const outcomes = await page.evaluate(async (origin) => {
        const attempt = (options: RequestInit, place = '/api/sandboxes'): Promise<string> =>
          fetch(`${origin}${place}`, options).then(
            async (answer) => `${answer.type} ${(await answer.text()).length}`,
            () => 'refused',
          );
        const credentials = 'include';
        const form = { method: 'POST', credentials, mode: 'no-cors', body: '{"provider":"local"}' };
        const socket = new Promise<string>((resolve) => {
          const opened = new WebSocket(`${origin.replace('http', 'ws')}/api/sandboxes/x/terminal`);
          opened.addEventListener('open', () => resolve('open'));
          opened.addEventListener('error', () => resolve('refused'));
        });
        const frame = new Promise<string>((resolve) => {
          const element = document.createElement('iframe');
          element.addEventListener('load', () => {
            resolve(element.contentDocument ? 'readable' : 'foreign');
          });
          element.src = origin;
          document.body.append(element);
        });
        return {
          read: await attempt({ credentials }),
          readBlindly: await attempt({ credentials, mode: 'no-cors' }),
          write: await attempt({
            ...{ method: 'POST', credentials, body: '{"provider":"local"}' },
            headers: { 'x-gantry-demo': '1' },
          }),
          writeBlindly: await attempt(form as RequestInit),
          socket: await socket,
          frame: await frame,
        };
      }, demo.origin);
      // What is sent blindly comes back as nothing that the page could read.
      const nothing = expect.stringMatching(/^(?:refused|opaque 0)$/) as unknown;
      expect(outcomes).toEqual({
        ...{ read: 'refused', readBlindly: nothing, write: 'refused', writeBlindly: nothing },
        ...{ socket: 'refused', frame: 'foreign' },
      });
    }
    const toApi = answers.filter(({ url }) => url.includes('/api/sandboxes'));
    expect(toApi).toContainEqual({
      method: 'POST',
      url: `${demo.origin}/api/sandboxes`,
      code: 403,
    });
    expect(toApi.filter(({ code }) => code < 400)).toEqual([]);
    expect(await demo.call('GET', 'sandboxes')).toEqual([]);
    await new Promise((resolve) => {
      elsewhere.close(resolve);
    });
    await context.close();
  });

  test('a page that a sandbox serves, in a frame of the demo, reaches nothing of it', async () => {
    const manifest = 'spec: gantry-manifest/1\nports: [8000]\n';
    const id = await demo.sandbox({ provider: 'local', name: 'hostile', manifest });
    const files = { 'index.html': hostilePage(demo.origin), 'serve.pl': server };
    for (const [name, text] of Object.entries(files))
      await demo.request('PUT', `sandboxes/${id}/files?path=${name}`, text);
    const command =
      'perl serve.pl > served.txt 2>&1 & until grep -q serving served.txt; do sleep 0.1; done';
    await demo.call('POST', `sandboxes/${id}/exec`, { command });
    const page = await browser.newPage();
    await page.goto(demo.url);
    await page.goto(`${demo.origin}/sandboxes/${id}/ports?port=8000`);
    const frame = page.frameLocator('iframe');
    const opened = frame.locator('body[data-found]');
    // The page opens a port that its address names, or by its button.
    await page.getByRole('button', { name: 'Open' }).click();
    await opened.waitFor({ state: 'attached' });
    expect(JSON.parse((await opened.getAttribute('data-found')) ?? '')).toEqual({
      ...{ parent: 'foreign', api: 'refused', cookie: '', script: 'loaded' },
    });
    const { stdout } = await demo.call<{ stdout: string }>('POST', `sandboxes/${id}/exec`, {
      command: 'cat served.txt',
    });
    expect(stdout).toContain('GET /own.js');
    expect(stdout.toLowerCase()).not.toContain('gantry-');
    await demo.call('DELETE', `sandboxes/${id}`);
    await page.close();
  });
});

/** Tries to get out, and says in its body how that went. */
const hostilePage = (origin: string): string => `<!doctype html>
<body><script src="/own.js"></script><script>
  let parent = 'reached';
  try { void top.document.title; } catch { parent = 'foreign'; }
  fetch('${origin}/api/state', { credentials: 'include' })
    .then((answer) => 'answered ' + answer.status, () => 'refused')
    .then((api) => {
      const { cookie } = document;
      const script = window.own ? 'loaded' : 'missing';
      document.body.dataset.found = JSON.stringify({ parent, api, cookie, script });
    });
</script>`;

/** Serves that page and a script, and tells every line of what it is asked, cookies too. */
const server = `use strict; use IO::Socket::INET; $| = 1;
my $server = IO::Socket::INET->new(LocalPort => 8000, Listen => 16, ReuseAddr => 1) or die $!;
print "serving\\n";
while (my $client = $server->accept) {
  my $first = <$client> // ''; print $first;
  while (my $line = <$client>) { last if $line =~ /^\\r?\\n$/; print $line }
  my ($type, $text) = ('text/javascript', 'window.own = true;');
  if ($first =~ m{^GET / }) {
    open my $file, '<', 'index.html'; local $/; ($type, $text) = ('text/html', <$file>);
  }
  print $client "HTTP/1.1 200 OK\\r\\nContent-Type: $type\\r\\nConnection: close\\r\\n\\r\\n$text";
  close $client;
}
`;

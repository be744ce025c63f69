import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

/** A real git server over https on loopback, with a certificate of its own. */
export interface GitServer extends AsyncDisposable {
  /** `https://127.0.0.1:port` */
  readonly origin: string;
  /** The certificate, for GIT_SSL_CAINFO. */
  readonly certificate: string;
  /** Path and `authorization` of every request, in order. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
  /** Resolves when a request below `/hang/` has come, and when its connection has closed. */
  readonly hanging: Promise<{ readonly closed: Promise<void> }>;
}

/** How a server treats some paths. */
export interface GitServerOptions {
  /** `authorization` that paths below `/private/` want. */
  readonly authorization?: string;
  /** Where paths below `/moved/` redirect to. */
  readonly redirectTo?: string;
}

/** Serves the bare repositories below `root` with git's own http-backend. Needs git and openssl. */
export async function gitServer(root: string, options: GitServerOptions = {}): Promise<GitServer> {
  const [key, certificate] = [path.join(root, 'key.pem'), path.join(root, 'certificate.pem')];
  makeCertificate(key, certificate);
  const requests: { path: string; authorization: string | undefined }[] = [];
  const hang = Promise.withResolvers<{ closed: Promise<void> }>();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'https://host');
    const { authorization } = request.headers;
    requests.push({ path: url.pathname, authorization });
    if (url.pathname.startsWith('/hang/')) {
      hang.resolve({
        closed: new Promise((resolve) => request.socket.on('close', () => resolve())),
      });
      return;
    }
    if (url.pathname.startsWith('/moved/')) {
      const location = `${options.redirectTo}${url.pathname.slice('/moved'.length)}${url.search}`;
      response.writeHead(302, { location }).end();
      return;
    }
    if (url.pathname.startsWith('/private/') && authorization !== options.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    serve(root, url, request, response);
  };
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    certificate,
    requests,
    hanging: hang.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As it was before any test changed it: the server's git is not the one under test. */
const searchPath = process.env['PATH'];

/** The common gateway interface of `git http-backend`: headers and body on standard output. */
function serve(root: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: searchPath,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname.replace(/^\/private\//, '/'),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: headers['content-type'] ?? '',
      ...(headers['content-length'] === undefined
        ? {}
        : { CONTENT_LENGTH: headers['content-length'] }),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      GIT_CONFIG_NOSYSTEM: '1',
      HOME: root,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.on('close', () => {
    const output = Buffer.concat(parts);
    const end = output.indexOf('\r\n\r\n');
    const lines = output.toString('latin1', 0, end).split('\r\n');
    const fields = lines.map((line) => /^([^:]+): (.*)$/.exec(line));
    const status = fields.find((field) => field?.[1] === 'Status')?.[2] ?? '200';
    for (const field of fields) {
      if (field?.[1] !== undefined && field[1] !== 'Status')
        response.setHeader(field[1], field[2] ?? '');
    }
    response.writeHead(Number.parseInt(status, 10)).end(output.subarray(end + 4));
  });
}

function makeCertificate(key: string, certificate: string): void {
  const argv = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  try {
    execFileSync('openssl', [...argv, ...subject, '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    });
  } catch (cause) {
    throw new Error('these tests need openssl: apt-get install openssl', { cause });
  }
}

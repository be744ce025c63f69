import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

/** A registry on the loopback that holds one image, `HOST/pulled:one`, and refuses everybody `HOST/closed:one`. */
export interface Registry extends AsyncDisposable {
  readonly host: string;
}

const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Serves an image of one layer, a tar archive, as the Docker Registry HTTP API V2 has it (manifest version 2, schema 2). */
export async function startRegistry(
  layer: Buffer,
  /** With it, the second half of the layer comes only when this resolves. */
  release?: Promise<void>,
): Promise<Registry> {
  const types = 'application/vnd.docker';
  const packed = gzipSync(layer, { level: 1 });
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const config = Buffer.from(JSON.stringify({ architecture, os: 'linux', config: {}, rootfs }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${types}.distribution.manifest.v2+json`,
      config: {
        mediaType: `${types}.container.image.v1+json`,
        size: config.length,
        digest: digestOf(config),
      },
      layers: [
        {
          mediaType: `${types}.image.rootfs.diff.tar.gzip`,
          size: packed.length,
          digest: digestOf(packed),
        },
      ],
    }),
  );
  const files = new Map([
    ['/v2/', Buffer.from('{}')],
    ['/v2/pulled/manifests/one', manifest],
    [`/v2/pulled/manifests/${digestOf(manifest)}`, manifest],
    [`/v2/pulled/blobs/${digestOf(config)}`, config],
    [`/v2/pulled/blobs/${digestOf(packed)}`, packed],
  ]);
  const server = createServer(({ url = '', method }, response) => {
    const found = files.get(url);
    const isClosed = url.startsWith('/v2/closed/');
    const [code, word] = isClosed ? [401, 'UNAUTHORIZED'] : [404, 'MANIFEST_UNKNOWN'];
    const errors = JSON.stringify({ errors: [{ code: word, message: word.toLowerCase() }] });
    const body = found ?? Buffer.from(errors);
    const isManifest = url.includes('/manifests/') && found !== undefined;
    response.writeHead(found ? 200 : code, {
      'Content-Type': isManifest ? `${types}.distribution.manifest.v2+json` : 'application/json',
      'Content-Length': body.length,
      ...(isManifest ? { 'Docker-Content-Digest': digestOf(body) } : {}),
    });
    if (method === 'HEAD' || body !== packed || release === undefined) {
      response.end(method === 'HEAD' ? undefined : body);
      return;
    }
    const half = Math.floor(body.length / 2);
    response.write(body.subarray(0, half));
    void release.then(() => response.end(body.subarray(half)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  return {
    host: `127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

import { request } from '../../../app/api.ts';
import { filePath } from './sandbox-path.ts';

/** What of a file can be shown. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly url: string }
  | { readonly kind: 'binary'; readonly size: number }
  | { readonly kind: 'large'; readonly size: number };

/** More is not put into an editor. */
const LARGEST_TEXT = 2 << 20;
const images: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** Reads a file and finds out how to show it. Text is what is valid UTF-8 without a zero byte. */
export async function readContent(
  sandbox: string,
  path: string,
  signal: AbortSignal,
): Promise<Content> {
  const response = await request('GET', filePath(sandbox, path), { signal });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const type = images[path.split('.').at(-1)?.toLowerCase() ?? ''];
  if (type !== undefined) {
    return { kind: 'image', url: URL.createObjectURL(new Blob([bytes], { type })) };
  }
  if (bytes.length > LARGEST_TEXT) return { kind: 'large', size: bytes.length };
  if (bytes.includes(0)) return { kind: 'binary', size: bytes.length };
  try {
    return {
      kind: 'text',
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch (error) {
    if (error instanceof TypeError) return { kind: 'binary', size: bytes.length };
    throw error;
  }
}

import { expect, test } from 'vitest';
import { ByteSearch } from './byte-search.ts';
import { secretScanner } from './secret-scanner.ts';

const key = 'sk-live/Q+w="R\\t~y<é>-9Zx8Cv7Bn6M*(!)';

/** What a program may have made of the key. Each as the program or standard that it is named for writes it. */
const written: Readonly<Record<string, string>> = {
  'as it is': key,
  "JavaScript's JSON": JSON.stringify({ key }),
  "Python's JSON": String.raw`{"key": "sk-live/Q+w=\"R\\t~y<\u00e9>-9Zx8Cv7Bn6M*(!)"}`,
  "PHP's JSON": String.raw`{"key":"sk-live\/Q+w=\"R\\t~y<\u00e9>-9Zx8Cv7Bn6M*(!)"}`,
  "Go's JSON": String.raw`{"key":"sk-live/Q+w=\"R\\t~y\u003cé\u003e-9Zx8Cv7Bn6M*(!)"}`,
  ".NET's JSON": String.raw`{"key":"sk-live/Q\u002Bw=\u0022R\\t~y\u003C\u00E9\u003E-9Zx8Cv7Bn6M*(!)"}`,
  "JavaScript's URL": `https://u:${encodeURIComponent(key)}@git.test/`,
  'a form': new URLSearchParams({ key }).toString(),
  "Python's quote": 'sk-live/Q%2Bw%3D%22R%5Ct~y%3C%C3%A9%3E-9Zx8Cv7Bn6M%2A%28%21%29',
  'RFC 3986, lower case': 'sk-live%2fQ%2bw%3d%22R%5ct~y%3c%c3%a9%3e-9Zx8Cv7Bn6M%2a%28%21%29',
  hexadecimal: Buffer.from(key).toString('hex'),
  'hexadecimal, capitals': Buffer.from(key).toString('hex').toUpperCase(),
  'a header of git': `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${key}`).toString('base64')}`,
  'base64 of a URL': Buffer.from(`k=${key}&more`).toString('base64url'),
  'base64 in lines': (
    Buffer.from(key + 'x'.repeat(60))
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n'),
};

test.each(Object.entries(written))(
  'a secret is found in %s, wherever it is divided',
  async (_, text) => {
    const scanner = secretScanner(['another-secret', key]);
    const bytes = Buffer.from(`before ${text} after`);
    for (let at = 0; at <= bytes.length; at += 1) {
      const reading = Array.fromAsync(scanner.watch(pieces(bytes, at), 'a/file'));
      await expect(reading).rejects.toMatchObject({
        details: { reason: 'secret', path: 'a/file' },
      });
    }
    expect(() => secretScanner(['another-secret']).check(bytes, 'a/file')).not.toThrow();
  },
);

test('a long secret is found in lines of base64, and one of bytes that are no text too', () => {
  const long = 'abcdefghij'.repeat(10);
  const lines = Buffer.from(long).toString('base64').replaceAll(/.{76}/g, '$&\n');
  expect(() => secretScanner([long]).check(Buffer.from(lines), 'a')).toThrow('known secret');
  const bytes = Buffer.from('00ff10fe20fd30fc40fb', 'hex');
  const scanner = secretScanner([bytes]);
  for (const text of [bytes, bytes.toString('hex'), `k=${bytes.toString('base64')}`])
    expect(() => scanner.check(Buffer.from(text), 'a')).toThrow('known secret');
  expect(() => scanner.check(Buffer.from('00ff10fe20fd30fc40f'), 'a')).not.toThrow();
});

test('a search of many texts finds what a search of each finds', () => {
  // A small alphabet: nearly everything is nearly a match.
  const random = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => 97 + Math.floor(Math.random() * 2)));
  for (let round = 0; round < 2000; round += 1) {
    const needles = Array.from({ length: 1 + (round % 5) }, () =>
      random(2 + Math.floor(Math.random() * 9)),
    );
    const text = random(Math.floor(Math.random() * 40));
    const expected = needles.some((needle) => text.includes(needle));
    expect(new ByteSearch(needles).isIn(text), `${needles.join(' ')} in ${text.toString()}`).toBe(
      expected,
    );
  }
});

async function* pieces(bytes: Buffer, at: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, at);
  yield bytes.subarray(at);
}

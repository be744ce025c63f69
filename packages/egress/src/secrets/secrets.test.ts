import { brokering } from '@gantry/core/node';
import { expect, test } from 'vitest';
import { maskText, MaskStream } from './mask-stream.ts';

const secret = 'sk-ant-api03-Q+w/e=R"t\\y-9Zx8Cv7Bn6M';

test.each([
  ['sk-ant-api03-AbCdEf0123456789-AbCdEf0123456789', /^sk-ant-api03-[A-Z][a-z]/],
  ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', /^ghp_\d\d[A-Z]\d[a-z]/],
  ['correct-horse-battery', /^[a-z]{7}-[a-z]{5}-[a-z]{7}$/],
  ['eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl', /^\w{10}\.\w{10}\.\w{12}$/],
])('the stand-in of %s has its shape and nothing else of it', (value, shape) => {
  const shown = brokering.standInFor(value) ?? '';
  expect(shown).toMatch(shape);
  expect(shown).toHaveLength(value.length);
  expect(shown.slice(13)).not.toBe(value.slice(13));
  expect(brokering.standInFor(value)).not.toBe(shown);
});

test('a value with too little in it has no stand-in', () => {
  expect(brokering.standInFor('abc')).toBeUndefined();
  expect(brokering.standInFor('--------------------')).toBeUndefined();
  expect(brokering.standInFor('ghp_123')).toBeUndefined();
});

test('every form is found at every division of the bytes, and the length stays', async () => {
  const shown = brokering.standInFor(secret) ?? '';
  const masks = brokering.secretForms(secret, shown);
  const bytes = Buffer.from(secret);
  const text = [
    secret,
    `x${secret}${secret}`,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('base64'),
    Buffer.from(`a${secret}bc`).toString('base64'),
    Buffer.from(`ab${secret}`).toString('base64url'),
    `${secret.slice(0, 20)}${secret}`,
  ].join(' ');
  const expected = maskText(text, masks);
  expect(expected).toHaveLength(text.length);
  for (const [form] of masks) expect(expected).not.toContain(form);
  const whole = Buffer.from(text);
  for (let at = 0; at <= whole.length; at += 1) {
    expect(await masked([whole.subarray(0, at), whole.subarray(at)])).toBe(expected);
  }
  expect(await masked(Array.from(whole, (byte) => Buffer.from([byte])))).toBe(expected);

  async function masked(chunks: readonly Buffer[]): Promise<string> {
    const stream = new MaskStream(masks);
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
    return Buffer.concat(await stream.toArray()).toString();
  }
});

test('what cannot be the beginning of a secret does not wait for the next chunk', () => {
  const stream = new MaskStream(brokering.secretForms('0123456789abcdef', 'fedcba9876543210'));
  stream.write('data: hello\n\n');
  expect(String(stream.read())).toBe('data: hello\n\n');
  stream.write('data: 01234');
  expect(String(stream.read())).toBe('data: ');
  stream.write('x\n');
  expect(String(stream.read())).toBe('01234x\n');
});

test('a secret within another does not take it apart, wherever the bytes are divided', async () => {
  const masks = [
    ['token-of-nine-and-more', 'shown1'],
    ['nine-and', 'shown2'],
    ['more-than-it', 'shown3'],
  ] as const;
  const text = 'token-of-nine-and-mo nine-and token-of-nine-and-more-than-it token-of-nine-and';
  const expected = 'token-of-shown2-mo shown2 shown1-than-it token-of-shown2';
  for (let at = 0; at <= text.length; at += 1) {
    const stream = new MaskStream(masks);
    stream.write(text.slice(0, at));
    stream.end(text.slice(at));
    expect(Buffer.concat((await stream.toArray()) as Buffer[]).toString()).toBe(expected);
  }
});

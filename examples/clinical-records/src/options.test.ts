import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('the defaults', () => {
  expect(parseOptions([])).toEqual({
    json: false,
    help: false,
    agent: false,
    chaos: false,
    concurrency: 4,
    output: '.gantry/clinical-records',
  });
});

test('every option', () => {
  const line =
    '--json --agent --concurrency 8 --provider docker --only CCD --output out --run nightly-7 --die-after 3';
  expect(parseOptions(line.split(' '))).toEqual({
    json: true,
    help: false,
    agent: true,
    chaos: false,
    run: 'nightly-7',
    dieAfter: 3,
    concurrency: 8,
    provider: 'docker',
    only: 'CCD',
    output: 'out',
  });
});

test.each<[string, RegExp]>([
  ['--concurrency 0', /from 1 to 64, not "0"/],
  ['--concurrency 65', /from 1 to 64/],
  ['--concurrency 4.5', /from 1 to 64/],
  ['--concurrency=-1', /from 1 to 64/],
  ['--provider e2b', /must be local or docker, not "e2b"/],
  ['--only=', /cannot be empty/],
  ['--run Nightly', /made of a-z/],
  ['--chaos --run one', /leave out --run/],
  ['--chaos --agent', /no --agent/],
  ['--die-after 0', /number of documents/],
  ['--concurency 2', /--concurency/],
  ['extra', /extra/],
])('%s is refused', (line, message) => {
  expect(() => parseOptions(line.split(' '))).toThrow(message);
  expect(() => parseOptions(line.split(' '))).toThrow(
    expect.objectContaining({ name: 'UsageError' }),
  );
});

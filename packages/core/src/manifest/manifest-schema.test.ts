import { expect, test } from 'vitest';
import { manifestJsonSchema } from './manifest-schema.ts';

test('the published JSON Schema is current (vitest --update writes it)', async () => {
  const text = `${JSON.stringify(manifestJsonSchema, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../manifest.schema.json');
});

test('it says what editors need: no unknown keys, and patterns for paths and modes', () => {
  const schema = JSON.stringify(manifestJsonSchema);
  expect(schema).toContain('"additionalProperties":false');
  expect(schema).toContain('"propertyNames":{"type":"string","pattern":"^(?!');
  expect(schema).toContain('^0?[0-7]{3}$');
  expect(schema).toContain('"oneOf":[{"required":["text"]},{"required":["base64"]}]');
});

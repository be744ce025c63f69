import { expect, test } from 'vitest';
import { gantry } from './gantry.ts';

test('lists the checks and explains what is no provider', async () => {
  const listed = await gantry(['conformance', 'list', '--json']);
  expect(listed.code).toBe(0);
  const { checks } = JSON.parse(listed.text) as { checks: { id: string; level: string }[] };
  expect(checks.length).toBeGreaterThanOrEqual(120);
  expect(checks.map(({ id }) => id)).toContain('core/exec-argv');

  const missing = await gantry(['conformance', './no-such-provider.mjs']);
  expect(missing.code).toBe(125);
  expect(missing.stderr).toContain('no-such-provider.mjs');

  const unknown = await gantry(['conformance', 'local', '--profile', 'nothing']);
  expect(unknown.code).toBe(125);
  expect(unknown.stderr).toContain('no such profile: nothing');
});

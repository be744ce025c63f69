import { expect, test, vi } from 'vitest';
import { daytona } from './index.ts';

vi.mock('@daytonaio/sdk', () => {
  throw new Error("Cannot find package '@daytonaio/sdk'");
});

test('a missing SDK is missed by the first call, which says what installs it', async () => {
  const provider = daytona({ apiKey: 'dtn_any' });
  expect(provider.capabilities.ports).toBeDefined();
  await expect(provider.create()).rejects.toMatchObject({
    code: 'failed-precondition',
    message: expect.stringContaining('npm install @daytonaio/sdk') as string,
  });
});

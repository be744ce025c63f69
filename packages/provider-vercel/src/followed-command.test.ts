import { expect, test } from 'vitest';
import { FollowedCommand } from './followed-command.ts';
import { BeginMark } from './marked-output.ts';

test('a command whose first output comes before it says that it has begun is heard out', async () => {
  const pieces = 64;
  const data = 'x'.repeat(65_536);
  async function* logs(): AsyncGenerator<{ stream: 'stdout' | 'stderr'; data: string }> {
    for (let piece = 0; piece < pieces; piece += 1) yield { stream: 'stdout', data };
    yield { stream: 'stderr', data: 'mark p7\nbegun\n' };
  }
  const begin = new BeginMark('mark');
  const followed = new FollowedCommand(
    { logs, wait: () => Promise.resolve({ exitCode: 3 }) },
    begin,
  );
  expect(await begin.begun).toBe(7);
  const outputs = [followed.stdout, followed.stderr].map(({ readable }) =>
    new Response(readable).text(),
  );
  const [stdout = '', stderr] = await Promise.all(outputs);
  expect([stdout.length, stderr]).toEqual([pieces * data.length, 'begun\n']);
  expect(await followed.exit).toEqual({ code: 3 });
});

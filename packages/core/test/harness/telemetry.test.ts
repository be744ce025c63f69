import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { workshop } from './workshop.ts';

// Spans of a run in the program's own OpenTelemetry, told while it runs.

const exporter = new InMemorySpanExporter();

beforeEach(() => {
  const processor = new SimpleSpanProcessor(exporter);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(() => {
  exporter.reset();
  trace.disable();
  context.disable();
});

/** The spans that have ended, as `PARENT > NAME`. */
function told(): readonly string[] {
  const spans = exporter.getFinishedSpans();
  const nameOf = (id: string | undefined): string =>
    spans.find((span) => span.spanContext().spanId === id)?.name ?? '';
  return spans.map((span) => `${nameOf(span.parentSpanContext?.spanId)} > ${span.name}`);
}

function spanOf(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().find((span) => span.name === name);
  if (!found) throw new Error(`no span ${name} among ${told().join(', ')}`);
  return found;
}

// Proves: harness-traced
test('a run, its steps, tools, commands and branches are spans of one trace', async () => {
  const { harness } = workshop({ secrets: { TOKEN: 'sk-secret-value' } });
  await harness.run('job', { id: 'job-1' }, async (run) => {
    await run.step('look', async ({ tool }) => {
      await run.sandbox.exec(['/bin/sh', '-c', 'echo sk-secret-value; exit 3']);
      await tool('grep', { pattern: 'x' }, async () => {
        trace.getTracer('mine').startSpan('chat model').end();
        return { hits: 1 };
      });
    });
    await run
      .step('fails sk-secret-value', () => Promise.reject(new Error('sk-secret-value')))
      .catch(() => undefined);
    await run.fanOut('both', [1, 2], (branch) =>
      branch.step('say', () => branch.sandbox.exec('true')).then(() => 1),
    );
  });
  expect(told()).toEqual(
    expect.arrayContaining([
      ' > invoke_workflow job',
      'invoke_workflow job > step look',
      'step look > create sandbox',
      'step look > sh',
      'step look > execute_tool grep',
      'execute_tool grep > chat model',
      'invoke_workflow job > checkpoint',
      'invoke_workflow job > fan-out both',
      'fan-out both > branch both',
      'branch both > create sandbox',
      'branch both > step say',
      'step say > sh',
    ]),
  );
  const spans = exporter.getFinishedSpans();
  expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  expect(spans.filter(({ name }) => name === 'branch both')).toHaveLength(2);
  expect(spanOf('invoke_workflow job').attributes).toEqual({
    'gen_ai.operation.name': 'invoke_workflow',
    'gen_ai.workflow.name': 'job',
    'gantry.run.id': 'job-1',
    'gantry.run.status': 'finished',
  });
  expect(spanOf('execute_tool grep').attributes).toMatchObject({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'grep',
  });
  expect(spanOf('sh')).toMatchObject({
    kind: 2,
    status: { code: 2 },
    attributes: { 'process.executable.name': 'sh', 'process.exit.code': 3, 'error.type': 'exit 3' },
  });
  const failed = spanOf('step fails [redacted:TOKEN]');
  expect(failed).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'Error' } });
  const everything = spans.map(({ name, attributes, events, status }) => ({
    ...{ name, attributes, events, status },
  }));
  expect(JSON.stringify(everything)).not.toContain('sk-secret-value');
});

test('without an SDK nothing is told, and the run is the same', async () => {
  trace.disable();
  const { harness } = workshop();
  const outcome = await harness.run('job', {}, (run) => run.step('one', () => 1));
  expect(outcome).toMatchObject({ status: 'finished', value: 1 });
  expect(told()).toEqual([]);
});

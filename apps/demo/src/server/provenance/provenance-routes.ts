import { SandboxError } from '@gantry/core';
import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { exportForms, tamperRequest } from '../../protocol/provenance.ts';
import { noRecord, readChain, tamperWithCopy, verify } from './provenance.ts';
import { requestBody } from '../request-body.ts';
import type { Runs } from '../runs/runs.ts';

const endings = { intoto: 'intoto.jsonl', otel: 'otel.json', jsonl: 'events.jsonl' } as const;

/** `/api/runs/:id/…`: the record of a run, whether it is what was written, and what an editor of it would bring about. */
export function provenanceRoutes(runs: Runs): Hono {
  const begun = async (id: string): Promise<string> => {
    await runs.record(id);
    if ((await runs.events(id)).length === 0) throw noRecord(id);
    return id;
  };
  return new Hono()
    .get('/:id/chain', async (context) =>
      context.json(await readChain(runs, await begun(context.req.param('id')))),
    )
    .post('/:id/verify', async (context) =>
      context.json(await verify(runs.harness, await begun(context.req.param('id')))),
    )
    .post('/:id/tamper', async (context) => {
      const { how, sequence } = await requestBody(context, tamperRequest);
      const id = await begun(context.req.param('id'));
      return context.json(await tamperWithCopy(runs, id, how, sequence));
    })
    .get('/:id/export', async (context) => {
      const wanted = context.req.query('format') ?? 'jsonl';
      const format = exportForms.find((each) => each === wanted);
      if (!format) {
        const message = `format must be one of ${exportForms.join(', ')}, and is ${JSON.stringify(wanted)}`;
        throw new SandboxError('invalid-argument', message, { operation: 'provenance.export' });
      }
      const id = await begun(context.req.param('id'));
      context.header('content-type', 'application/octet-stream');
      context.header('content-disposition', `attachment; filename="${id}.${endings[format]}"`);
      return stream(context, async (out) => {
        for await (const line of runs.harness.export(id, format)) await out.write(`${line}\n`);
      });
    });
}

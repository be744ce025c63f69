import { toHtml, toJUnit, type Report } from '@gantry/conformance';
import { type Context, Hono } from 'hono';
import { conformanceRequest, type ConformanceAnswer } from '../../protocol/conformance.ts';
import { foreignBytesPolicy } from '../page-policy.ts';
import { committedReport, committedReports, summarize } from '../providers/committed-reports.ts';
import { requestBody } from '../request-body.ts';
import type { ConformanceRuns } from './conformance-runs.ts';
import { killMatrix } from './kill-matrix.ts';
import { suiteProfiles } from './suite-order.ts';

/** `/api/conformance`: runs of the suite, committed reports, the kill matrix. */
export function conformanceRoutes(runs: ConformanceRuns): Hono {
  return new Hono()
    .get('/', async (context) => {
      const answer: ConformanceAnswer = {
        runs: runs.list(),
        reports: [...(await committedReports())].map(([name, report]) => summarize(name, report)),
        matrix: await killMatrix(),
        profiles: suiteProfiles(),
      };
      return context.json(answer);
    })
    .post('/', async (context) =>
      context.json(await runs.start(await requestBody(context, conformanceRequest)), 201),
    )
    .get('/reports/:file', async (context) => {
      const [name = '', format = 'json'] = context.req.param('file').split('.');
      return answerReport(context, await committedReport(name), name, format);
    })
    .get('/:id', (context) => context.json(runs.details(context.req.param('id'))))
    .delete('/:id', (context) => context.json(runs.cancel(context.req.param('id'))))
    .get('/:id/report', async (context) => {
      const report = await runs.report(context.req.param('id'));
      const format = context.req.query('format') ?? 'json';
      return answerReport(context, report, `conformance-${report.subject.name}`, format);
    });
}

/** A report to read, as a page or JSON, or as a file with `?attachment=1`. */
function answerReport(context: Context, report: Report, name: string, format: string): Response {
  const attached = context.req.query('attachment') === '1';
  const extension = format === 'junit' ? 'xml' : format;
  const headers = {
    'content-security-policy': foreignBytesPolicy,
    ...(attached ? { 'content-disposition': `attachment; filename="${name}.${extension}"` } : {}),
  };
  if (format === 'html')
    return context.body(toHtml(report), 200, {
      ...{ ...headers, 'content-type': 'text/html; charset=utf-8' },
    });
  if (format === 'junit')
    return context.body(toJUnit(report), 200, { ...headers, 'content-type': 'application/xml' });
  return context.body(`${JSON.stringify(report, undefined, 2)}\n`, 200, {
    ...{ ...headers, 'content-type': 'application/json' },
  });
}

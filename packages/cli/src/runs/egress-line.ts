import { styleText } from 'node:util';
import type { ShownEvent } from '@gantry/core/harness';
import { printable } from '../output/printable.ts';
import { property } from '../provider/property.ts';

/** One egress event as a line; `asked` is what was asked of the host, where the run was not erased. */
export function egressLine({ time, sandbox = '', facts = {} }: ShownEvent, asked: unknown): string {
  const clock = new Date(time).toISOString().slice(11, 23);
  const text = (name: string): string => {
    const fact = facts[name];
    return typeof fact === 'string' || typeof fact === 'number' ? String(fact) : '';
  };
  const head = `${clock}  ${sandbox.split('/').at(-1)?.slice(0, 8) ?? ''}  #${text('id')}`;
  if (facts['type'] === 'end') {
    const came = [`out ${text('bytesOut')}`, `in ${text('bytesIn')}`, `${text('durationMs')} ms`];
    const ended = [text('status') && `status ${text('status')}`, ...came, text('problem')];
    return `${printable(`${head}  end      ${ended.filter(Boolean).join('  ')}`)}\n`;
  }
  const allowed = facts['allowed'] === true;
  const request = [property(asked, 'method'), property(asked, 'path')]
    .filter((word) => typeof word === 'string')
    .join(' ');
  const secrets = Array.isArray(facts['secrets']) ? facts['secrets'].map(String) : [];
  const words = [
    text('protocol'),
    [text('host'), text('port')].filter(Boolean).join(':'),
    request,
    `(${text('rule')})`,
    ...(secrets.length > 0 ? [`with ${secrets.join(', ')}`] : []),
  ];
  const line = `${head}  ${allowed ? 'allowed' : 'denied '}  ${words.filter(Boolean).join('  ')}`;
  const shown = printable(line);
  return `${allowed ? shown : styleText('red', shown, { stream: process.stdout })}\n`;
}

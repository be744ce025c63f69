import { formatTemplates } from './guest/cda.ts';
import type { RecordFormat } from './guest/record.ts';

/** What a file's contents show it to be. */
export type Sniffed = { readonly format: RecordFormat } | { readonly reason: string };

/** Tells a record's format from its contents, or says why the file is no record. */
export function sniff(bytes: Uint8Array): Sniffed {
  if (Buffer.from(bytes.subarray(0, 5)).toString('latin1') === '%PDF-') {
    return { reason: 'PDF: a print-out, with no text offsets to point to' };
  }
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  if (/^\s*</.test(text)) return sniffXml(text);
  if (/^\s*[{[]/.test(text)) return { reason: 'JSON: a result of a parser, no source document' };
  if (/^(?:"use strict"|var \w+ = require\()/.test(text))
    return { reason: 'JavaScript: a program' };
  if (text.includes('MY HEALTHEVET PERSONAL INFORMATION REPORT'))
    return { format: 'va-blue-button' };
  if (text.includes('MYMEDICARE.GOV PERSONAL HEALTH INFORMATION')) {
    return { format: 'cms-blue-button' };
  }
  return { reason: 'text without the heading of a VA or CMS report' };
}

function sniffXml(text: string): Sniffed {
  const plain = text.replace(/<!--[\s\S]*?-->|<\?[\s\S]*?\?>/g, '');
  const [, root = ''] = /<([A-Za-z_][\w.:-]*)/.exec(plain) ?? [];
  if (root !== 'ClinicalDocument')
    return { reason: `XML about something else: its root is <${root}>` };
  if (!plain.includes('<recordTarget'))
    return { reason: 'a snippet: a document without a patient' };
  const header = plain.slice(0, plain.indexOf('<recordTarget'));
  const roots = [...header.matchAll(/<templateId\b[^>]*\broot="([^"]+)"/g)].map(
    ([, one]) => one ?? '',
  );
  const format = formatTemplates.find(([, templates]) => roots.some((one) => templates.has(one)));
  return format === undefined
    ? { reason: 'a clinical document without the templateId of a known format' }
    : { format: format[0] };
}

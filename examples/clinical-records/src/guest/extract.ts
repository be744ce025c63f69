/**
 * The program that runs inside the sandbox: `node extract.js DOCUMENT RESULT`. Exit code 65 (EX_DATAERR
 * of sysexits.h) and one line on stderr for a document that it cannot read.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readRecord } from './read-record.ts';
import { UnreadableDocument } from './source-text.ts';

const [documentPath, resultPath] = process.argv.slice(2);
if (documentPath === undefined || resultPath === undefined) {
  process.stderr.write('usage: node extract.js DOCUMENT RESULT\n');
  process.exit(64);
}
try {
  const record = readRecord(readFileSync(documentPath));
  writeFileSync(resultPath, `${JSON.stringify(record)}\n`);
} catch (error) {
  if (!(error instanceof UnreadableDocument)) throw error;
  process.stderr.write(`${error.message.split('\n', 1)[0] ?? ''}\n`);
  process.exitCode = 65;
}

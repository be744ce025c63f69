import { readFile } from 'node:fs/promises';
import type { ExportFormat } from '@gantry/core/harness';
import { ANSWER_IS_NO } from '../exit-codes.ts';
import { note, print, printJson } from '../output/print.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** Options of `gantry provenance verify`. */
export interface VerifyActionOptions extends RunsOptions {
  /** File of a public key to trust in place of this user's own. */
  readonly publicKey?: string;
}

/** `gantry provenance verify`: exit code 1 when the record is not what was written, or nothing vouches for it. */
export async function verify(
  session: Session,
  run: string,
  options: VerifyActionOptions,
): Promise<number> {
  await using open = await openHarness(options);
  const { publicKey: file } = options;
  const against = file === undefined ? undefined : { publicKey: await readFile(file, 'utf8') };
  const found = await open.harness.verify(run, against);
  if (session.json) printJson(found);
  else {
    const { verdict, events, signedThrough, erased, problems } = found;
    print(
      `${verdict}: ${events} events, signed through ${signedThrough}${erased ? ', bodies erased' : ''}\n`,
    );
    for (const { kind, message } of problems) print(`  ${kind}: ${message}\n`);
    if (verdict === 'unanchored')
      note('no signature vouches for this run: whoever can write the journal can rewrite it');
  }
  return found.verdict === 'verified' ? 0 : ANSWER_IS_NO;
}

/** Options of `gantry provenance export`. */
export interface ExportActionOptions extends RunsOptions {
  readonly format: ExportFormat;
}

/** `gantry provenance export`: the record for other tools, on stdout. */
export async function exportProvenance(run: string, options: ExportActionOptions): Promise<number> {
  await using open = await openHarness(options);
  for await (const line of open.harness.export(run, options.format)) print(`${line}\n`);
  return 0;
}

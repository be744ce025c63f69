import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileNameOf } from './catalog.ts';
import type { ClinicalRecord } from './guest/record.ts';

/** Where results go: `<document>.json`, and beside it `<document>.receipts.json`. */
export class ResultFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = path.resolve(directory);
  }

  /** Path of a document's result. */
  record(name: string): string {
    return path.join(this.directory, `${fileNameOf(name)}.json`);
  }

  /** Path of a document's receipts. */
  receipts(name: string): string {
    return path.join(this.directory, `${fileNameOf(name)}.receipts.json`);
  }

  /** Removes what an earlier run left of a document, so that nothing old passes for new. */
  async clear(name: string): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await rm(this.record(name), { force: true });
    await rm(this.receipts(name), { force: true });
  }

  async writeRecord(name: string, record: ClinicalRecord): Promise<void> {
    await writeJson(this.record(name), record);
  }

  async writeReceipts(name: string, receipts: object): Promise<void> {
    await writeJson(this.receipts(name), receipts);
  }
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

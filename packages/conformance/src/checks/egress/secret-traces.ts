import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brokering } from '@gantry/core/node';
import type { CheckContext } from '../../runner/check-context.ts';
import type { SecretSetting } from './secret-setting.ts';

/** Every form in which programs print a secret. */
export function formsOf(secret: string): readonly string[] {
  return [secret, ...brokering.secretForms(secret, '').map(([form]) => form)];
}

/** A text whose letters are 13 further on in the alphabet. */
export function turned(text: string): string {
  return text.replaceAll(/[A-Za-z]/g, (letter) => {
    const code = letter.charCodeAt(0);
    return String.fromCharCode((code | 32) <= 109 ? code + 13 : code - 13);
  });
}

/** Makes sure that a secret was in use, so that whatever keeps it has had it. */
export async function used(t: CheckContext, setting: SecretSetting): Promise<void> {
  const { egress, guest, values, names, placeholder } = setting;
  const word = t.word('used');
  const [host, header, name] = names.includes('API_KEY')
    ? (['api', 'x-key', 'API_KEY'] as const)
    : (['header', 'x-api-key', 'HEADER_KEY'] as const);
  const headers = { [header]: placeholder(name) };
  await guest.request(egress.url('https', host, `/${word}`), { headers });
  const [arrival] = egress.arrived(word);
  t.equal(arrival?.headers[header], values[name], 'the secret, where it belongs');
}

/** Fails where a text has a secret of the setting in any form. */
export function without(
  t: CheckContext,
  { values }: SecretSetting,
  text: string,
  what: string,
): void {
  for (const [name, value] of Object.entries(values)) {
    const forms = formsOf(value).filter((form) => text.includes(form));
    t.equal(forms.length, 0, `forms of ${name} in ${what}`);
  }
}

/** Everything that the files below a directory hold. */
export async function everything(directory: string): Promise<string> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) =>
    readFile(path.join(parentPath, name), 'latin1'),
  );
  return (await Promise.all(texts)).join('\n');
}

export async function withDirectory<Result>(
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-conformance-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

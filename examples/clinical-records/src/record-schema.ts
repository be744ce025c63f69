import { z } from 'zod';
import { normalizationNames } from './guest/normalize.ts';
import { recordFormats } from './guest/record.ts';
import type { ClinicalRecord } from './guest/record.ts';
import { longestField } from './guest/source-text.ts';

/** The largest result that is read at all, in bytes. */
export const largestResult: number = 32 * 1024 * 1024;

const many = 10_000;

const offset = z.int().nonnegative();
const range = z.strictObject({ start: offset, end: offset });
const field = z.strictObject({
  value: z.string().min(1).max(longestField),
  raw: z.string().min(1).max(longestField),
  source: range,
  normalization: z.enum(normalizationNames),
});
const list = <Item extends z.ZodType>(item: Item): z.ZodArray<Item> => z.array(item).max(many);

const plainCoded = {
  code: field.optional(),
  system: field.optional(),
  systemName: field.optional(),
  name: field.optional(),
  originalText: field.optional(),
  nullFlavor: field.optional(),
};
// A translation has no translations of its own: results cannot nest without end.
const coded = z.strictObject({
  ...plainCoded,
  translations: list(z.strictObject(plainCoded)).optional(),
});
const personName = z.strictObject({
  use: field.optional(),
  prefixes: list(field),
  given: list(field),
  family: list(field),
  suffixes: list(field),
  text: field.optional(),
});
const identifier = z.strictObject({ root: field.optional(), extension: field.optional() });
const address = z.strictObject({
  use: field.optional(),
  streetLines: list(field),
  city: field.optional(),
  state: field.optional(),
  postalCode: field.optional(),
  country: field.optional(),
  text: field.optional(),
});
const telecom = z.strictObject({ address: field, use: field.optional() });
const contact = { addresses: list(address), phones: list(telecom), emails: list(telecom) };
const period = {
  timing: z.enum(['point', 'interval', 'not-stated']),
  start: field.optional(),
  end: field.optional(),
};
const patient = z.strictObject({
  names: list(personName),
  birthDate: field.optional(),
  gender: coded.optional(),
  identifiers: list(identifier),
  maritalStatus: coded.optional(),
  religion: coded.optional(),
  races: list(coded),
  ethnicities: list(coded),
  languages: list(
    z.strictObject({
      language: coded,
      mode: coded.optional(),
      proficiency: coded.optional(),
      preferred: field.optional(),
    }),
  ),
  birthplace: address.optional(),
  guardians: list(
    z.strictObject({ relation: coded.optional(), names: list(personName), ...contact }),
  ),
  ...contact,
});
const organization = z.strictObject({
  identifiers: list(identifier),
  names: list(field),
  ...contact,
});
const encounter = z.strictObject({
  source: range,
  identifiers: list(identifier),
  type: coded.optional(),
  ...period,
  performers: list(
    z.strictObject({
      identifiers: list(identifier),
      names: list(personName),
      specialty: coded.optional(),
      organizations: list(organization),
      ...contact,
    }),
  ),
  locations: list(
    z.strictObject({
      identifiers: list(identifier),
      name: field.optional(),
      type: coded.optional(),
      ...contact,
    }),
  ),
  reasons: list(
    z.strictObject({ identifiers: list(identifier), finding: coded.optional(), ...period }),
  ),
});

const recordSchema: z.ZodType<ClinicalRecord> = z.strictObject({
  spec: z.literal('clinical-record/1'),
  format: z.enum(recordFormats),
  document: z.strictObject({ bytes: offset, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  title: field.optional(),
  patient,
  encounters: z.union([z.literal('not-present'), list(encounter)]),
  encompassingEncounter: encounter.optional(),
});

/**
 * Checks bytes that came out of a sandbox, where the guest may have written anything, and returns
 * them as a record. Throws an error that says what is wrong and where. Offsets are not checked here.
 */
export function parseRecord(bytes: Uint8Array): ClinicalRecord {
  if (bytes.length > largestResult) {
    throw new Error(`the result has ${bytes.length} bytes; at most ${largestResult} are read`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error('the result is not JSON in UTF-8', { cause });
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue === undefined || issue.path.length === 0 ? 'the result' : issue.path.join('.');
  throw new Error(`the result is not a clinical record: ${at}: ${issue?.message ?? 'invalid'}`);
}

import { SandboxError } from '../../errors/sandbox-error.ts';
import { redactor } from '../../secrets/redactor.ts';
import { byteForms, secretForms } from '../../secrets/secret-forms.ts';
import { ByteSearch } from './byte-search.ts';

/** A shorter value would be found in half of all files. */
const shortestSecret = 8;

/** Looks for known secrets in bytes that pass, however they are cut into chunks. */
export interface SecretScanner {
  /** The same bytes. Rejects with `failed-precondition`, naming the place and not the secret, when one is in them. */
  watch(source: AsyncIterable<Uint8Array>, place: string): AsyncIterable<Uint8Array>;
  /** The same for a name or the target of a link. */
  check(text: Uint8Array, place: string): void;
}

/** A scanner for these values, as they are and in the forms in which programs write them; it finds nothing when there are none. */
export function secretScanner(secrets: readonly (string | Uint8Array)[]): SecretScanner {
  const values = secrets.map((secret) => Buffer.from(secret));
  if (values.some((value) => value.length < shortestSecret)) {
    throw new SandboxError(
      'invalid-argument',
      `snapshot: a secret of less than ${shortestSecret} bytes cannot be looked for; leave it out`,
      { operation: 'snapshot' },
    );
  }
  const needles = values.flatMap(needlesOf);
  const search = new ByteSearch(needles);
  const overlap = Math.max(0, ...needles.map((needle) => needle.length - 1));
  const check = (bytes: Uint8Array, place: string): void => {
    if (needles.length === 0) return;
    if (!search.isIn(bytes)) return;
    // The secret may be in the name itself.
    const path = redactor(values.map((value) => ['secret', value.toString()])).text(place);
    throw new SandboxError(
      'failed-precondition',
      `${path} holds a known secret; remove it there, or acknowledge it with acknowledgeSecrets`,
      { operation: 'snapshot', details: { reason: 'secret', path } },
    );
  };
  async function* watched(
    source: AsyncIterable<Uint8Array>,
    place: string,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let tail: Uint8Array = new Uint8Array(0);
    for await (const chunk of source) {
      check(Buffer.concat([tail, chunk.subarray(0, overlap)]), place);
      check(chunk, place);
      const joined = chunk.length >= overlap ? chunk : Buffer.concat([tail, chunk]);
      // A copy: the chunk may be used again by whoever reads it.
      tail = overlap === 0 ? tail : Uint8Array.from(joined.subarray(-overlap));
      yield chunk;
    }
  }
  return {
    check,
    watch: (source, place) => (needles.length === 0 ? source : watched(source, place)),
  };
}

/** The value and its forms as bytes. Of what is no text there are fewer. */
function needlesOf(value: Buffer): readonly Buffer[] {
  const text = value.toString();
  const forms = Buffer.from(text).equals(value)
    ? secretForms(text, '').map(([form]) => form)
    : byteForms(value);
  const written = forms.filter((form) => form.length >= shortestSecret);
  return [value, ...written.map((form) => Buffer.from(form))];
}

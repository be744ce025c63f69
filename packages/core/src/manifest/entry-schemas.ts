import { z } from 'zod';
import type { ManifestEntry } from '../contract/manifest-types.ts';
import { lineOfText, modeSchema, plainText, secretReferenceSchema } from './field-schemas.ts';
import { gitRefProblem, gitUrlProblem, isHttpsUrl } from './git-source.ts';

/** Most bytes that a file written in the manifest itself may have. */
const maxInlineBytes = 4 * 1024 * 1024;

const mode = modeSchema.exactOptional();
const source = plainText('a source', { max: 4096 });
const writable = z.boolean('must be true or false').exactOptional();
const secret = secretReferenceSchema.exactOptional();

const fileSchema = z
  .strictObject({
    type: z.literal('file'),
    text: z
      .string('must be text')
      .refine((text) => text.isWellFormed(), 'is not well-formed Unicode; use base64')
      .refine((text) => Buffer.byteLength(text) <= maxInlineBytes, tooLarge())
      .exactOptional(),
    base64: z
      .string('must be base64 text')
      .refine(isBase64, 'is not base64 (RFC 4648, with padding, without line breaks)')
      .refine((text) => (text.length / 4) * 3 - 2 <= maxInlineBytes, tooLarge())
      .meta({ contentEncoding: 'base64' })
      .exactOptional(),
    mode,
  })
  .refine((file) => 'text' in file !== 'base64' in file, {
    error: 'a file has exactly one of `text` and `base64`',
    when: () => true,
  })
  .meta({ oneOf: [{ required: ['text'] }, { required: ['base64'] }] });

const gitSchema = z
  .strictObject({
    type: z.literal('git'),
    url: checked('a URL', gitUrlProblem),
    ref: checked('a ref', gitRefProblem).exactOptional(),
    secret,
  })
  .refine((git) => git.secret === undefined || isHttpsUrl(git.url), {
    error: 'a `secret` is for https:// only; ssh uses the keys of the SSH agent',
    path: ['secret'],
  });

const bucketFields = {
  bucket: lineOfText('a bucket', { max: 255 }),
  prefix: lineOfText('a prefix', { max: 1024 }).exactOptional(),
  account: lineOfText('an account', { max: 255 }).exactOptional(),
  region: lineOfText('a region', { max: 255 }).exactOptional(),
  endpoint: lineOfText('an endpoint', { max: 2048 }).exactOptional(),
  writable,
  secret,
};

/** One item of a workspace, told apart by `type`. */
export const entrySchema: z.ZodType<ManifestEntry> = z.discriminatedUnion(
  'type',
  [
    fileSchema,
    z.strictObject({ type: z.literal('dir'), mode }),
    z.strictObject({ type: z.literal('localFile'), source, mode }),
    z.strictObject({
      type: z.literal('localDir'),
      source,
      exclude: z.array(plainText('a pattern', { max: 4096 }), 'must be a list').exactOptional(),
    }),
    gitSchema,
    z.strictObject({
      type: z.literal('archive'),
      source,
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
        .exactOptional(),
    }),
    z.strictObject({
      type: z.literal('output'),
      kind: z.enum(['file', 'dir'], 'must be file or dir').exactOptional(),
      required: z.boolean('must be true or false').exactOptional(),
    }),
    z.strictObject({ type: z.literal('hostMount'), source, writable }),
    z.strictObject({ type: z.literal('s3'), ...bucketFields }),
    z.strictObject({ type: z.literal('gcs'), ...bucketFields }),
    z.strictObject({ type: z.literal('r2'), ...bucketFields }),
    z.strictObject({ type: z.literal('azureBlob'), ...bucketFields }),
  ],
  'must be an object whose `type` is file, dir, localFile, localDir, git, archive, output, hostMount, s3, gcs, r2 or azureBlob',
);

function tooLarge(): string {
  return `is over ${maxInlineBytes / 1024 / 1024} MiB; keep it in a file of its own and use \`localFile\``;
}

function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** Text that a rule says a problem about, or nothing. */
function checked(what: string, rule: (text: string) => string | undefined): z.ZodString {
  return lineOfText(what, { max: 4096 }).check((context) => {
    const message = rule(context.value);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  });
}

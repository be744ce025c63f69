import { z } from 'zod';

/** Text that an operating system takes as one argument, name or value: well-formed and without NUL. */
export function plainText(what: string, options: { readonly max?: number } = {}): z.ZodString {
  const max = options.max ?? 65_536;
  return z
    .string(`${what} must be text`)
    .min(1, `${what} is empty`)
    .max(max, `${what} is over ${max} characters`)
    .refine((text) => !text.includes('\0'), `${what} has a NUL character`)
    .refine((text) => text.isWellFormed(), `${what} is not well-formed Unicode`);
}

/** Text for one printed line: no control characters at all. */
export function lineOfText(what: string, options: { readonly max?: number } = {}): z.ZodString {
  return plainText(what, options).refine(
    (text) => !/\p{Cc}/u.test(text),
    `${what} has a control character`,
  );
}

/** Permission bits as octal text. Set-user-ID, set-group-ID and sticky bits are refused. */
export const modeSchema: z.ZodType<string> = z
  .string("must be octal text in quotes, such as '0755'")
  .regex(/^0?[0-7]{3}$/, "must be octal text up to 0777, such as '0755'");

/** A name of an environment variable that every shell takes. */
export const environmentNameSchema: z.ZodString = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'an environment variable is named [A-Za-z_][A-Za-z0-9_]*');

/** A value of an environment variable; may be empty. */
export const environmentValueSchema: z.ZodString = z
  .string('the value must be text; put quotes around it')
  .max(131_000, 'the value is over 131000 characters, more than Linux passes to a program')
  .refine((text) => !text.includes('\0'), 'the value has a NUL character')
  .refine((text) => text.isWellFormed(), 'the value is not well-formed Unicode');

/** The name of a secret, never the secret itself: `env:NAME`, `file:/path`, or a resolver's own term. */
export const secretReferenceSchema: z.ZodString = lineOfText('a secret reference', { max: 1024 });

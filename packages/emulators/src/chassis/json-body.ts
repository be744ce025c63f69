import { z } from 'zod';

/** Checks the JSON body of a request; an empty one reads as `{}`. What is wrong with it goes through `refuse`. */
export async function jsonBody<Body>(
  request: { text(): Promise<string> },
  schema: z.ZodType<Body>,
  refuse: (problem: string) => Error,
): Promise<Body> {
  const content = await request.text();
  let value: unknown;
  try {
    value = content === '' ? {} : JSON.parse(content);
  } catch {
    throw refuse('the body is not JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refuse(z.prettifyError(result.error));
}

import { z } from 'zod';
import type { NetworkPolicy, RequestRule } from '../contract/network.ts';
import type { ExposedSecret, SecretRule } from '../contract/secret-rule.ts';
import { lineOfText, secretReferenceSchema } from './field-schemas.ts';
import { networkRuleProblem, requestRuleProblem } from './network-rule.ts';

const target = lineOfText('a rule', { max: 300 }).check((context) => {
  const message = networkRuleProblem(context.value);
  if (message !== undefined) {
    context.issues.push({ code: 'custom', message, input: context.value });
  }
});

const requestRule: z.ZodType<RequestRule> = z
  .strictObject({
    host: target,
    methods: z.array(lineOfText('a method', { max: 32 })).exactOptional(),
    paths: z.array(lineOfText('a path', { max: 1024 })).exactOptional(),
  })
  .check((context) => {
    const message = requestRuleProblem(context.value);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  });

/** The shape of a network policy. Unknown keys are refused. */
export const networkSchema: z.ZodType<NetworkPolicy> = z.discriminatedUnion(
  'mode',
  [
    z.strictObject({ mode: z.literal('none') }),
    z.strictObject({ mode: z.literal('open') }),
    z.strictObject({
      mode: z.literal('allow-list'),
      allow: z.array(target, 'must be a list of host names, addresses and CIDR blocks'),
      requests: z.array(requestRule, 'must be a list of rules for requests').exactOptional(),
    }),
  ],
  'must be an object whose `mode` is none, allow-list or open',
);

const secretRule: z.ZodType<SecretRule> = z
  .strictObject(
    {
      from: secretReferenceSchema,
      hosts: z.array(target, 'must be a list of hosts').min(1, 'name the hosts that it is for'),
      header: lineOfText('a header', { max: 200 })
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is no name of a header')
        .exactOptional(),
      format: lineOfText('the format', { max: 1024 })
        .refine((text) => text.includes('{secret}'), 'must hold {secret}')
        .exactOptional(),
      query: lineOfText('a parameter', { max: 200 }).exactOptional(),
    },
    'must be an object: `from`, a reference, and `hosts`',
  )
  .refine(({ header, query }) => header === undefined || query === undefined, {
    message: 'is put into a header or the query, not both',
  })
  .refine(({ header, format }) => header !== undefined || format === undefined, {
    message: 'has a format and no header',
  });

const exposedSecret: z.ZodType<ExposedSecret> = z.strictObject({
  from: secretReferenceSchema,
  expose: z.literal('acknowledged', "must be 'acknowledged'"),
});

/** The shape of what a secret is for. */
export const secretSchema: z.ZodType<SecretRule | ExposedSecret> = z.union(
  [secretRule, exposedSecret],
  'must be an object: `from`, a reference, with the `hosts` that it is for, or with `expose: acknowledged`',
);

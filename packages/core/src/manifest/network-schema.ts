import { z } from 'zod';
import type { NetworkPolicy, RequestRule } from '../contract/network.ts';
import { lineOfText } from './field-schemas.ts';
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

import { z } from 'zod';
import type { Manifest } from '../contract/manifest-types.ts';
import { entrySchema } from './entry-schemas.ts';
import {
  environmentNameSchema,
  environmentValueSchema,
  lineOfText,
  plainText,
} from './field-schemas.ts';
import { networkSchema, secretSchema } from './network-schema.ts';
import { workspacePathPattern } from './workspace-path.ts';

/** Longest setup command, well under what Linux passes as one argument (128 KiB). */
const maxCommandLength = 100_000;

const count = z.int('must be a whole number').positive('must be above zero');

const commandPart = z
  .string('must be text')
  .max(maxCommandLength, `is over ${maxCommandLength} characters`)
  .refine((text) => !text.includes('\0'), 'has a NUL character')
  .refine((text) => text.isWellFormed(), 'is not well-formed Unicode');

const commandSchema = z.union(
  [
    plainText('a command', { max: maxCommandLength }),
    z.tuple([commandPart.min(1, 'the program is empty')], commandPart),
  ],
  'must be a shell command as text, or a program and its arguments as a list of text',
);

const unique = (items: readonly unknown[]): boolean => new Set(items).size === items.length;

/**
 * The shape of a manifest, without the rules on paths, which `parseManifest` adds. Unknown keys are
 * refused everywhere.
 */
export const manifestSchema: z.ZodType<Manifest> = z
  .strictObject(
    {
      spec: z.literal('gantry-manifest/1', "must be 'gantry-manifest/1'"),
      name: lineOfText('the name', { max: 200 }).exactOptional(),
      image: lineOfText('the image', { max: 1024 })
        .regex(/^[^-]/, 'the image starts with a dash')
        .exactOptional(),
      root: z
        .enum(['read-only', 'copy-on-write'], 'must be read-only or copy-on-write')
        .exactOptional(),
      privilege: z.enum(['none', 'guest-root'], 'must be none or guest-root').exactOptional(),
      user: z
        .string('must be text')
        .regex(
          /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/,
          'must be a user name, or uid or uid:gid as text',
        )
        .exactOptional(),
      env: z.record(environmentNameSchema, environmentValueSchema).exactOptional(),
      secrets: z.record(environmentNameSchema, secretSchema).exactOptional(),
      network: networkSchema.exactOptional(),
      resources: z
        .strictObject({
          cpus: z.number('must be a number').positive('must be above zero').exactOptional(),
          memoryBytes: count.exactOptional(),
          pids: count.exactOptional(),
          diskBytes: count.exactOptional(),
        })
        .exactOptional(),
      entries: z
        .record(z.string().meta({ pattern: workspacePathPattern }), entrySchema)
        .exactOptional(),
      setup: z.array(commandSchema, 'must be a list of commands').exactOptional(),
      ports: z
        .array(
          z.int('must be a whole number').min(1, 'is below 1').max(65_535, 'is above 65535'),
          'must be a list of port numbers',
        )
        .refine(unique, 'a port is named twice')
        .exactOptional(),
      labels: z
        .record(
          z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, 'a label is named [A-Za-z0-9._/-]+'),
          z.union(
            [z.literal(''), lineOfText('a label', { max: 1024 })],
            'must be text without control characters',
          ),
        )
        .exactOptional(),
      maxLifetimeMs: count.exactOptional(),
    },
    'must be an object',
  )
  .meta({
    title: 'Gantry manifest',
    description: 'What a fresh workspace contains and what its sandbox needs.',
  });

/** The JSON Schema (draft 2020-12) of a manifest file, for editors and other languages. */
export const manifestJsonSchema: Readonly<Record<string, unknown>> = {
  $id: 'gantry-manifest/1',
  ...z.toJSONSchema(manifestSchema),
};

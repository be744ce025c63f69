import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import {
  alternatives,
  child,
  type ManifestPlace,
  placeInManifest,
  type Schema,
  schemasAt,
} from './manifest-place.ts';

/** What can be written where the cursor is, as the schema of manifests has it. */
export function completeManifest(
  schema: Schema,
  context: CompletionContext,
): CompletionResult | null {
  const { doc } = context.state;
  const line = doc.lineAt(context.pos);
  const typed = line.text.slice(0, context.pos - line.from);
  const lines = doc.toString().split('\n');
  const place = placeInManifest(lines, line.number - 1, typed);
  const word = /[\w.-]*$/.exec(typed)?.[0] ?? '';
  if (word === '' && !context.explicit && !typed.endsWith(': ')) return null;
  const options =
    place.typedKey === undefined ? keyOptions(schema, place) : valueOptions(schema, place);
  return options.length === 0
    ? null
    : { from: context.pos - word.length, options, validFor: /^[\w.-]*$/ };
}

function keyOptions(root: Schema, place: ManifestPlace): readonly Completion[] {
  const options = new Map<string, Completion>();
  for (const { properties = {}, required = [] } of schemasAt(root, place)) {
    for (const [key, value] of Object.entries(properties)) {
      if (key in place.siblings) continue;
      const isBlock = alternatives(value).some(({ type }) => type === 'object' || type === 'array');
      options.set(key, {
        label: key,
        apply: isBlock ? `${key}:` : `${key}: `,
        detail: describe(value),
        boost: required.includes(key) ? 1 : 0,
      });
    }
  }
  return [...options.values()];
}

function valueOptions(root: Schema, place: ManifestPlace): readonly Completion[] {
  const key = place.typedKey ?? '';
  // What is being typed does not rule anything out yet.
  const siblings = Object.fromEntries(
    Object.entries(place.siblings).filter(([name]) => name !== key),
  );
  const values = schemasAt(root, { ...place, siblings }).flatMap((schema) => {
    const at = child(schema, key);
    return at === undefined ? [] : alternatives(at).flatMap(constants);
  });
  return [...new Set(values)].map((label) => ({ label }));
}

function constants(schema: Schema): readonly string[] {
  if (schema.const !== undefined) return [String(schema.const)];
  if (schema.enum !== undefined) return schema.enum.map(String);
  return schema.type === 'boolean' ? ['true', 'false'] : [];
}

function describe(schema: Schema): string {
  const values = alternatives(schema).flatMap(constants);
  if (values.length > 0) return values.slice(0, 4).join(' | ');
  const [first] = alternatives(schema);
  return first?.type ?? '';
}

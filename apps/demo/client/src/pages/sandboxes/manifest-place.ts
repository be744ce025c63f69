/** The part of JSON Schema that the manifest's schema uses. */
export interface Schema {
  readonly type?: string;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number | boolean)[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

/** Where in a YAML text the cursor is: the keys above it, and the siblings of its line. */
export interface ManifestPlace {
  /** From the root; `-` for an item of a list. */
  readonly path: readonly string[];
  /** Key -> scalar value, of the mapping that the line belongs to. */
  readonly siblings: Readonly<Record<string, string>>;
  /** Present after `key:`: the key whose value is typed. */
  readonly typedKey?: string;
}

const KEY = /^(\s*)(- )?(?:"([^"]*)"|'([^']*)'|([^\s#:'"-][^:#]*?)):(?:\s+(.*))?$/;

interface KeyLine {
  readonly indent: number;
  readonly item: boolean;
  readonly key: string;
  readonly value: string;
}

/** Finds the place by indentation, as a person reads block style; flow style within braces gets no help. */
export function placeInManifest(
  lines: readonly string[],
  at: number,
  typed: string,
): ManifestPlace {
  const current = keyLine(typed.trimEnd() === '' ? '' : typed);
  const bare = /^(\s*)(- )?/.exec(typed);
  const indent = current?.indent ?? (bare?.[1]?.length ?? 0) + (bare?.[2]?.length ?? 0);
  const path: string[] = [];
  let level = indent;
  for (let line = at - 1; line >= 0 && level > 0; line -= 1) {
    const found = keyLine(lines[line] ?? '');
    if (found === undefined || found.indent >= level) continue;
    path.unshift(found.key);
    level = found.item ? found.indent - 2 : found.indent;
    if (found.item) path.unshift('-');
  }
  const siblings: Record<string, string> = {};
  for (const step of [-1, 1]) {
    for (let line = at + step; line >= 0 && line < lines.length; line += step) {
      const text = lines[line] ?? '';
      if (text.trim() === '') continue;
      const found = keyLine(text);
      if (indentOf(text) < indent && (found?.indent ?? 0) < indent) break;
      if (found?.indent === indent) siblings[found.key] = found.value;
    }
  }
  return current === undefined ? { path, siblings } : { path, siblings, typedKey: current.key };
}

function keyLine(line: string): KeyLine | undefined {
  const match = KEY.exec(line);
  if (match === null) return undefined;
  const [, space = '', dash, double, single, plain, value = ''] = match;
  return {
    indent: space.length + (dash?.length ?? 0),
    item: dash !== undefined,
    key: double ?? single ?? plain ?? '',
    value: value.trim().replace(/^['"]|['"]$/g, ''),
  };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** The schemas that may hold at a path, in a mapping with these siblings. */
export function schemasAt(root: Schema, { path, siblings }: ManifestPlace): readonly Schema[] {
  let now = alternatives(root);
  for (const key of path) {
    now = now.flatMap((schema) => {
      const next = key === '-' ? schema.items : child(schema, key);
      return next === undefined ? [] : alternatives(next);
    });
  }
  const fitting = now.filter((schema) => fits(schema, siblings));
  return fitting.length === 0 ? now : fitting;
}

/** The schema of one key of a mapping. */
export function child(schema: Schema, key: string): Schema | undefined {
  const named = schema.properties?.[key];
  if (named !== undefined) return named;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** A schema, or each of those that it chooses from. */
export function alternatives(schema: Schema): readonly Schema[] {
  return (schema.oneOf ?? schema.anyOf)?.flatMap(alternatives) ?? [schema];
}

/** Whether the constants of a schema, such as `type: git`, are those that are written. */
function fits({ properties }: Schema, siblings: Readonly<Record<string, string>>): boolean {
  return Object.entries(siblings).every(([key, value]) => {
    const expected = properties?.[key]?.const;
    return expected === undefined || String(expected) === value;
  });
}

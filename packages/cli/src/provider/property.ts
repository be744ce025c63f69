/** A property of a value that nothing is known of; `undefined` when it is no object or has none. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const environments = /^env(?:s|Vars|ironment)?$/;
/** What a vendor sets in requests, keys above all. */
const transforms = /^transform$/;
const secrets = /token|secret|password|api[-_]?key|signature/i;

/**
 * A body without the values that its field names call secret, environment variables and set headers included. Text that is
 * no JSON document (framed bytes before one are allowed) is kept, unless such a name occurs in it.
 */
export function concealValues(body: string): string {
  const start = Math.max(0, body.search(/[{[]/));
  let document: unknown;
  try {
    document = JSON.parse(body.slice(start));
  } catch {
    // No JSON, or only the beginning of it: what is in it cannot be told apart.
    return /"env(?:s|Vars|ironment)?"|"transform"|token|secret|password/i.test(body)
      ? '[redacted]'
      : body;
  }
  return body.slice(0, start) + JSON.stringify(conceal(document));
}

function conceal(value: unknown, hidden = false): unknown {
  if (Array.isArray(value)) return value.map((item) => conceal(item, hidden));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        conceal(
          inner,
          hidden || environments.test(name) || transforms.test(name) || secrets.test(name),
        ),
      ]),
    );
  }
  return hidden && value !== null ? '[redacted]' : value;
}

const longest = 2_000;

/** Words in the name of a host variable that say that its value is a secret. */
const secretName = /TOKEN|SECRET|KEY|PASS|CREDENTIAL|AUTH/i;

const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\/\/)[^/\s:@]+:[^/\s@]+(?=@)/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\b(?:gh[pousr]_|sk-|xox[abpr]-|e2b_)[A-Za-z0-9_-]{10,}/g,
];

/**
 * Makes text fit for a report: no value of a secret variable of this process, nothing in the shape
 * of a credential, no control characters, at most 2,000 characters.
 */
export function redact(text: string, env: NodeJS.ProcessEnv = process.env): string {
  let clean = text;
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.length >= 6 && secretName.test(name)) {
      clean = clean.replaceAll(value, '[redacted]');
    }
  }
  for (const shape of shapes) clean = clean.replace(shape, '[redacted]');
  // Guest output is in here: it must not move a terminal's cursor or break a log line's frame.
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  clean = clean.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD');
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}

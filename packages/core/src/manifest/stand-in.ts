import { randomInt } from 'node:crypto';

const classes = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'] as const;

/** Fewest characters that must be drawn by chance, so that no ordinary text is taken for a stand-in. */
const fewestDrawn = 8;

/**
 * A text of the same length and shape as a secret that tells nothing of it: digits stand where digits were, letters where letters
 * were, all drawn anew. What vendors put before a key to tell its kind (`sk-ant-api03-`, `ghp_`) is kept where it is short beside the
 * rest, since programs look for it. `undefined` for a value with too little to draw.
 */
export function standInFor(value: string): string | undefined {
  const kept = kindOf(value);
  const rest = value.slice(kept.length);
  if (rest.replaceAll(/[^A-Za-z0-9]/g, '').length < fewestDrawn) return undefined;
  for (;;) {
    const drawn = kept + Array.from(rest, drawLike).join('');
    if (drawn !== value) return drawn;
  }
}

function kindOf(value: string): string {
  const prefix = /^(?:[A-Za-z][A-Za-z0-9]{0,9}[-_]){1,4}/.exec(value)?.[0] ?? '';
  return prefix.length * 3 <= value.length ? prefix : '';
}

function drawLike(character: string): string {
  const alphabet = classes.find((letters) => letters.includes(character));
  return alphabet === undefined ? character : (alphabet[randomInt(alphabet.length)] ?? '0');
}

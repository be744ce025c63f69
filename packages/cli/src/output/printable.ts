// Every control character but tab and newline, and the marks that change the direction of text.
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * Text that is safe to show on a terminal: control characters become `\xNN` or `\uNNNN`, so that a
 * name or message which comes out of a sandbox cannot move the cursor or hide what follows.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

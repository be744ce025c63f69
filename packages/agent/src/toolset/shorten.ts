/** Characters that a token is taken for: an estimate, on the safe side for English and code. */
export const charactersPerToken = 4;

/** The start and the end of a text of which the middle may be missing already. */
export interface Excerpt {
  readonly head: string;
  readonly tail: string;
  /** Bytes between the two that are not there. */
  readonly omittedBytes: number;
}

/** About how many tokens a text costs. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / charactersPerToken);
}

/** A text within a number of tokens: its head and its tail are kept, at whole lines where there are some, and what is left out is said. */
export function shorten(text: string | Excerpt, tokens: number): string {
  const { head, tail, omittedBytes } =
    typeof text === 'string' ? { head: text, tail: '', omittedBytes: 0 } : text;
  const most = Math.max(tokens, 1) * charactersPerToken;
  if (omittedBytes === 0 && head.length + tail.length <= most) return head + tail;
  const whole = omittedBytes === 0 ? head + tail : undefined;
  const half = Math.floor(most / 2);
  const first = upToLine(cutStart(whole ?? head, half));
  const last = fromLine(cutEnd(whole ?? tail, half));
  const shown = Buffer.byteLength(first) + Buffer.byteLength(last);
  const bytes = Buffer.byteLength(head) + Buffer.byteLength(tail) - shown + omittedBytes;
  const notice = `[… ${bytes} bytes left out, about ${Math.ceil(bytes / charactersPerToken)} tokens …]`;
  return [first, notice, last].filter((part) => part !== '').join('\n');
}

function cutStart(text: string, length: number): string {
  const cut = text.slice(0, length);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

function cutEnd(text: string, length: number): string {
  const cut = length === 0 ? '' : text.slice(-length);
  return /^[\uDC00-\uDFFF]/.test(cut) ? cut.slice(1) : cut;
}

/** Ends at a line where that costs less than half. */
function upToLine(text: string): string {
  const end = text.lastIndexOf('\n');
  return end > text.length / 2 ? text.slice(0, end) : text;
}

function fromLine(text: string): string {
  const start = text.indexOf('\n');
  return start >= 0 && start < text.length / 2 ? text.slice(start + 1) : text;
}

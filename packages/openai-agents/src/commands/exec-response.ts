import { randomBytes } from 'node:crypto';

/** What a model is told of a command: the form that the SDK's own clients use. */
export interface ExecResponse {
  readonly output: string;
  readonly wallTimeSeconds: number;
  readonly exitCode?: number | null;
  readonly sessionId?: number;
  readonly originalTokenCount?: number;
}

/** The SDK's own measure. */
const bytesPerToken = 4;

/** The text of an answer, line by line as models of the SDK's vendor know it. */
export function formatExecResponse(response: ExecResponse): string {
  const { output, wallTimeSeconds, exitCode, sessionId, originalTokenCount } = response;
  const state =
    sessionId === undefined
      ? `Process exited with ${exitCode === null || exitCode === undefined ? 'an unknown code' : `code ${exitCode}`}`
      : `Process running with session ID ${sessionId}`;
  return [
    `Chunk ID: ${randomBytes(3).toString('hex')}`,
    `Wall time: ${wallTimeSeconds.toFixed(4)} seconds`,
    state,
    ...(originalTokenCount === undefined ? [] : [`Original token count: ${originalTokenCount}`]),
    'Output:',
    output,
  ].join('\n');
}

/** Keeps start and end of a text within a number of tokens, and says how much is missing. */
export function truncateOutput(
  output: string,
  maxOutputTokens: number | undefined,
): Pick<ExecResponse, 'output' | 'originalTokenCount'> {
  const bytes = Buffer.from(output);
  const most = (maxOutputTokens ?? Infinity) * bytesPerToken;
  if (bytes.length <= most) return { output };
  const head = wholeCharacters(bytes.subarray(0, Math.floor(most / 2)), 'end');
  const tail = wholeCharacters(bytes.subarray(bytes.length - Math.ceil(most / 2)), 'start');
  const missing = Math.ceil((bytes.length - Buffer.byteLength(head + tail)) / bytesPerToken);
  const lines = output.split(/\r\n|\r|\n/).length;
  return {
    output: `Total output lines: ${lines}\n\n${head}...${missing} tokens truncated...${tail}`,
    originalTokenCount: Math.ceil(bytes.length / bytesPerToken),
  };
}

/** Leaves out a character that the cut went through. */
function wholeCharacters(bytes: Buffer, cut: 'start' | 'end'): string {
  const isContinuation = (byte: number | undefined): boolean =>
    byte !== undefined && (byte & 0xc0) === 0x80;
  if (cut === 'start') {
    let start = 0;
    while (isContinuation(bytes[start])) start += 1;
    return bytes.toString('utf8', start);
  }
  let last = bytes.length - 1;
  while (last > 0 && isContinuation(bytes[last])) last -= 1;
  const lead = bytes[last] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return bytes.toString('utf8', 0, last + length <= bytes.length ? bytes.length : last);
}

// EIO: the terminal behind the stream is gone.
const CLOSED: ReadonlySet<string> = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);

/** True for the error of a write that nobody can read any more, as after `| head -1`. */
export function isClosed(error: Error): boolean {
  return 'code' in error && CLOSED.has(String(error.code));
}

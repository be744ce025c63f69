/** Gives a command all of its input; one that stops reading has its own reasons. */
export async function feedBytes(
  stdin: WritableStream<Uint8Array> | undefined,
  bytes: Uint8Array,
): Promise<void> {
  const writer = stdin?.getWriter();
  try {
    if (bytes.length > 0) await writer?.write(bytes);
    await writer?.close();
  } catch {
    // The exit status tells the rest.
  }
}

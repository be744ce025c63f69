/** The media type that the first bytes of a file tell, of those that models take; undefined for any other. */
export function imageType(bytes: Uint8Array): string | undefined {
  const starts = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (starts.startsWith('\u0089PNG\r\n\u001A\n')) return 'image/png';
  if (starts.startsWith('\u00FF\u00D8\u00FF')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(starts)) return 'image/gif';
  if (/^RIFF[^]{4}WEBP$/.test(starts)) return 'image/webp';
  return undefined;
}

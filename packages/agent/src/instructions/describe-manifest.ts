import type { Manifest } from '@gantry/core';

/** What a manifest means for who works in the workspace: what is to be left there, what is mounted, what can be reached. */
export function describeManifest({
  entries = {},
  network,
  resources,
}: Manifest): readonly string[] {
  const lines: string[] = [];
  for (const [path, entry] of Object.entries(entries)) {
    if (entry.type === 'output') {
      const what = entry.kind === 'file' ? 'file' : 'directory';
      const need =
        entry.required === true
          ? 'must be there at the end'
          : 'is collected at the end if it is there';
      lines.push(`${path} is an output: the ${what} ${need}.`);
    } else if (entry.type === 'hostMount' || 'bucket' in entry) {
      const where = entry.type === 'hostMount' ? 'a directory of the host' : 'remote storage';
      const rule =
        entry.writable === true
          ? 'what you change there changes it for everybody, and is in no snapshot'
          : 'it can be read and not changed';
      lines.push(`${path} is a mount of ${where}: ${rule}.`);
    }
  }
  const mode = network?.mode ?? 'none';
  if (mode === 'none') lines.push('There is no network.');
  else if (network && 'allow' in network) {
    lines.push(`The network reaches these hosts and no other: ${network.allow.join(', ')}.`);
  }
  if (resources?.memoryBytes !== undefined) {
    lines.push(`There are ${Math.floor(resources.memoryBytes / 1024 / 1024)} MiB of memory.`);
  }
  return lines;
}

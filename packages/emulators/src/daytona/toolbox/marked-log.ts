import type { CommandLog, OutputName } from '../../chassis/command-log.ts';

/** What the vendor puts before each run of bytes to tell the outputs apart. */
export const outputMarkers: Readonly<Record<OutputName, Buffer>> = {
  stdout: Buffer.from([1, 1, 1]),
  stderr: Buffer.from([2, 2, 2]),
};

/** All that is kept of a log: each output by itself, and both with the vendor's markers. */
export function logText({ pieces }: CommandLog): {
  output: string;
  stdout: string;
  stderr: string;
} {
  const of = (name: OutputName): string =>
    Buffer.concat(
      pieces.filter(({ output }) => output === name).map(({ bytes }) => bytes),
    ).toString();
  const marked = pieces.flatMap(({ output, bytes }) => [outputMarkers[output], bytes]);
  return { output: Buffer.concat(marked).toString(), stdout: of('stdout'), stderr: of('stderr') };
}

import { ANSWER_IS_NO } from '../exit-codes.ts';
import { print, printJson } from '../output/print.ts';
import { readManifest } from '../sandbox/read-manifest.ts';
import type { Session } from '../session.ts';
import { reportError } from '../errors/report-error.ts';

/** `gantry manifest check`: whether a file is a manifest. Returns 0, or 1 with what is wrong. */
export async function checkManifest(session: Session, file: string): Promise<number> {
  const { SandboxError } = await import('@gantry/core');
  const { digestManifest } = await import('@gantry/core/manifest');
  try {
    const { manifest } = await readManifest(file);
    const digest = digestManifest(manifest);
    if (session.json)
      printJson({ ok: true, digest, entries: Object.keys(manifest.entries ?? {}).length });
    else print(`${file}: ok, sha256:${digest}\n`);
    return 0;
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'invalid-argument') throw error;
    await reportError(session, error);
    return ANSWER_IS_NO;
  }
}

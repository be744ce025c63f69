import type { CreateRequest } from '../../protocol/sandboxes.ts';
import type { DemoContext } from '../demo-context.ts';
import { baseDirectory, readManifest } from '../manifests/read-manifest.ts';
import { beginOperation } from '../operations.ts';
import { demoLabels } from './sandboxes.ts';

/** Begins to make a sandbox; what is wrong with the manifest or the provider is thrown before. Returns the operation. */
export async function createSandbox(
  { provider: id, manifest: text, name }: CreateRequest,
  { events, providers, sandboxes }: DemoContext,
): Promise<string> {
  const provider = await providers.use(id);
  const manifest = text === undefined ? undefined : await readManifest(text);
  return beginOperation(events, `making a sandbox on ${id}`, async () => {
    const sandbox = await provider.create({
      ...{ labels: demoLabels, baseDirectory },
      ...(manifest ? { manifest } : {}),
    });
    const view = await sandboxes.add(sandbox, {
      name: name ?? manifest?.name ?? 'sandbox',
      ports: manifest?.ports ?? [],
      ...(text === undefined ? {} : { manifest: text }),
    });
    return { sandbox: view.id };
  });
}

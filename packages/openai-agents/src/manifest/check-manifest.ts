import { type Provider, SandboxError } from '@gantry/core';
import type { Manifest } from '@openai/agents/sandbox';

/** Refuses, before anything happens, what of the SDK's manifest the provider cannot honour. */
export function checkManifest(provider: Provider, manifest: Manifest): void {
  if (manifest.root !== '/workspace') {
    throw refusal(`root ${manifest.root}: the workspace is /workspace in every Gantry sandbox`);
  }
  if (manifest.groups.length > 0) throw refusal('groups: no group can be made in a sandbox');
  if (manifest.users.length > 0 && provider.capabilities.users === undefined) {
    throw refusal(`users: ${provider.id} runs everything as the sandbox's own user`);
  }
  const bound = manifest.extraPathGrants.find(({ hostPath }) => hostPath !== undefined);
  if (bound) {
    throw refusal(
      `extraPathGrants ${bound.path}: a path of the host is mounted by a hostMount entry in the manifest of the Gantry client`,
    );
  }
}

function refusal(what: string): SandboxError {
  return new SandboxError('unsupported', `manifest.${what}`, { operation: 'create' });
}

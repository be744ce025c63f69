import { ApiError, unsupported } from './api-error.ts';
import type { DaytonaSandbox, SandboxState } from './daytona-sandbox.ts';

/** The real sandbox behind one. */
export function requireReal(sandbox: DaytonaSandbox): NonNullable<DaytonaSandbox['real']> {
  if (sandbox.real) return sandbox.real;
  throw new ApiError(400, `Sandbox ${sandbox.id} is not ready`);
}

/** Throws the vendor's 400 for a sandbox that is in another state. */
export function requireState({ state }: DaytonaSandbox, wanted: SandboxState): void {
  if (state === wanted) return;
  const message = `Sandbox is not ${wanted}: its state is ${state}`;
  throw new ApiError(400, message);
}

/** Throws the vendor's 422 for what only virtual machines can. */
export function requireMachine({ shape }: DaytonaSandbox, what: string): void {
  if (shape.sandboxClass === 'linux-vm') return;
  throw new ApiError(422, `${what} is not supported for this sandbox`);
}

/** Throws where the provider cannot stop a sandbox and keep it. */
export function requireSuspend(sandbox: DaytonaSandbox): void {
  if (requireReal(sandbox).sandbox.capabilities.suspend) return;
  throw unsupported('the provider cannot suspend a sandbox');
}

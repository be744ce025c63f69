import type { RunSandbox, StepContext, StepOptions } from './run-types.ts';
import type { Scope } from './scope.ts';

/** What a run and a branch have in common, as their functions see them. */
export class LiveScope {
  readonly sandbox: RunSandbox;
  readonly scope: Scope;

  constructor(scope: Scope, sandbox: RunSandbox) {
    this.scope = scope;
    this.sandbox = sandbox;
  }

  step<Value>(
    name: string,
    work: (context: StepContext) => Value | Promise<Value>,
    options?: StepOptions<Value>,
  ): Promise<Value> {
    return this.scope.step(name, work, options);
  }

  decide<Value>(
    name: string,
    inputs: unknown,
    choose: (context: StepContext) => Value | Promise<Value>,
    options?: Pick<StepOptions<Value>, 'schema'>,
  ): Promise<Value> {
    return this.scope.decide(name, inputs, choose, options);
  }
}

import type { Capabilities, CapabilityName } from '@gantry/core';
import type { CheckContext } from './runner/check-context.ts';

/** How much a requirement weighs: a MUST that fails makes its profile nonconformant, a SHOULD partial. */
export type Level = 'must' | 'should' | 'may';

/** What a subject must declare or be for a check to apply. */
export interface Needs {
  /** Where it is not declared, the check is `unsupported`, once its profile's twin has proved that it says so. */
  readonly capability?: CapabilityName;
  /** Beside capability `network`: what must be declared of it. All but `allow-list` need that mode, too. */
  readonly network?: 'allow-list' | 'live' | 'requests' | 'recorded';
  /** Beside capability `secrets`: a way into requests that must be declared of it. */
  readonly secrets?: NonNullable<Capabilities['secrets']>['inject'][number];
  /** Applies to subjects that claim an isolation other than `none`. */
  readonly isolation?: true;
  /** Continues in another process, which needs the subject as a module path; else `untestable`. */
  readonly otherProcess?: true;
}

/** One requirement, and the experiment that decides whether a subject meets it: data, for any runner. */
export interface Check {
  /** `profile/slug`. Frozen once released. */
  readonly id: `${string}/${string}`;
  readonly level: Level;
  /** One line: the behaviour that is looked for. */
  readonly title: string;
  /** Anchor of the requirement in docs/spec.md. */
  readonly spec: string;
  readonly needs?: Needs;
  /** Proves, for the checks of this profile that need the capability or isolation, that its absence is said and is true. */
  readonly twin?: true;
  /** `end`: runs after all others, over everything that they made. */
  readonly phase?: 'end';
  /** Milliseconds beyond the table's limit that this experiment itself takes. */
  readonly extraMs?: number;
  /** Asserts through the context; throws, or returns having asserted nothing, when it does not hold. */
  run(t: CheckContext): Promise<void>;
}

type Rest = Omit<Check, 'id' | 'level' | 'spec' | 'title' | 'run'>;

function declare(
  level: Level,
  id: Check['id'],
  spec: string,
  title: string,
  run: Check['run'],
  rest: Rest = {},
): Check {
  return { id, level, spec, title, run, ...rest };
}

/** Declares a check of a MUST. */
export function must(
  id: Check['id'],
  spec: string,
  title: string,
  run: Check['run'],
  rest?: Rest,
): Check {
  return declare('must', id, spec, title, run, rest);
}

/** Declares a check of a SHOULD. */
export function should(
  id: Check['id'],
  spec: string,
  title: string,
  run: Check['run'],
  rest?: Rest,
): Check {
  return declare('should', id, spec, title, run, rest);
}

/** The profile that a check belongs to. */
export function profileOf(check: Pick<Check, 'id'>): string {
  return check.id.slice(0, check.id.indexOf('/'));
}

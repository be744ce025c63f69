import { profileOf, type Check } from '../check.ts';

/** What of a suite is to run. */
export interface Selection {
  /** Names of profiles; default all. */
  readonly profiles?: readonly string[];
  /** Ids of checks; default all of the profiles. A filter: no profile is then conformant. */
  readonly only?: readonly string[];
}

/** The checks to run, and whether a filter left some of their profiles' checks out. */
export interface SelectedChecks {
  readonly checks: readonly Check[];
  readonly filtered: boolean;
}

/** Selects; throws for a duplicate id, an unknown name and an empty selection. */
export function selectChecks(suite: readonly Check[], selection: Selection): SelectedChecks {
  refuseDuplicates(suite);
  const { profiles, only } = selection;
  refuseUnknown('profile', profiles ?? [], new Set(suite.map(profileOf)));
  refuseUnknown('check', only ?? [], new Set(suite.map(({ id }) => id)));
  const inProfiles = suite.filter((check) => profiles?.includes(profileOf(check)) ?? true);
  const chosen = inProfiles.filter(({ id, phase }) => phase || (only?.includes(id) ?? true));
  if (chosen.every(({ phase }) => phase)) throw new Error('the selection holds no check');
  const twins = twinsOf(chosen, suite);
  const checks = suite.filter((check) => chosen.includes(check) || twins.has(check));
  return { checks, filtered: only !== undefined };
}

/** The twin of a check: what proves that its profile's capability, or isolation, is not there. */
export function twinOf(check: Check, suite: readonly Check[]): Check | undefined {
  const { capability, isolation } = check.needs ?? {};
  if (capability === undefined && !isolation) return undefined;
  return suite.find((candidate) => candidate.twin && profileOf(candidate) === profileOf(check));
}

function twinsOf(chosen: readonly Check[], suite: readonly Check[]): ReadonlySet<Check> {
  return new Set(chosen.flatMap((check) => twinOf(check, suite) ?? []));
}

function refuseDuplicates(suite: readonly Check[]): void {
  const seen = new Set<string>();
  for (const { id } of suite) {
    if (!/^[a-z][a-z-]*\/[a-z0-9][a-z0-9-]*$/.test(id))
      throw new Error(`${id} is no id of a check: profile/slug`);
    if (seen.has(id)) throw new Error(`two checks have the id ${id}`);
    seen.add(id);
  }
}

function refuseUnknown(kind: string, names: readonly string[], known: ReadonlySet<string>): void {
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new Error(`no such ${kind}: ${unknown.join(', ')}; \`gantry conformance list\` names all`);
}

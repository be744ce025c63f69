import { type Mutant, mutants } from '../src/index.ts';
import { subjects } from './subjects.ts';

/** Those that only a subject with an allow-list and secrets can show. */
const letOut = mutants.filter(({ kills }) =>
  kills.every((id) => /^(?:network|secrets)\//.test(id) && id !== 'network/modes'),
);

/** Those that only an isolated subject can show, or one that declares what the directory does not. */
const isolated = mutants.filter(
  (mutant) =>
    !letOut.includes(mutant) &&
    mutant.kills.some((id) =>
      /^(?:isolation|mounts|root|network|resources|changes|privilege|processes)\//.test(id),
    ),
);

/** The subjects that defects are put into, each with its share of the mutants. */
export const mutantHomes: readonly {
  readonly name: string;
  readonly load: string;
  readonly mutants: readonly Mutant[];
}[] = [
  {
    name: 'directory',
    load: subjects.directory,
    mutants: mutants.filter((mutant) => !isolated.includes(mutant) && !letOut.includes(mutant)),
  },
  { name: 'local', load: subjects.local, mutants: isolated },
  { name: 'local with its proxy', load: subjects.proxied, mutants: letOut },
];

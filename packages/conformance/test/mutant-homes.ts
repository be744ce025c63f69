import { type Mutant, mutants } from '../src/index.ts';
import { subjects } from './subjects.ts';

/** Those that only an isolated subject can show, or one that declares what the directory does not. */
const isolated = mutants.filter(({ kills }) =>
  kills.some((id) =>
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
    mutants: mutants.filter((mutant) => !isolated.includes(mutant)),
  },
  { name: 'local', load: subjects.local, mutants: isolated },
];

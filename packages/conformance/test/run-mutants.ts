import { runMutants, mutants } from '../src/index.ts';
const [load = '', ...names] = process.argv.slice(2);
const begin = Date.now();
const results = await runMutants({
  subject: { load },
  timeoutScale: 0.5,
  ...(names.length ? { mutants: mutants.filter((m) => names.includes(m.name)) } : {}),
});
for (const r of results) if (!r.killed) console.log('SURVIVED', r.name, r.survived);
console.log(results.length, 'mutants', Date.now() - begin, 'ms');

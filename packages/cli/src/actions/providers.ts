import { print, printJson } from '../output/print.ts';
import { table } from '../output/table.ts';
import {
  capabilityNames,
  type Examination,
  examineProvider,
} from '../provider/examine-provider.ts';
import { type ProviderCandidate, providerCandidates } from '../provider/installed-providers.ts';
import { installCommand } from '../provider/known-providers.ts';
import { isModulePath } from '../provider/load-provider.ts';
import type { CommonOptions, Session } from '../session.ts';

interface ProviderReport extends ProviderCandidate, Partial<Examination> {
  readonly installed: boolean;
  /** How to get it, when it is not installed. */
  readonly install?: string;
}

/** `gantry providers`: which there are, which work here, and what they can do. Returns the exit code. */
export async function providers(session: Session, options: CommonOptions): Promise<number> {
  const reports = await Promise.all(
    candidates(options.provider).map((candidate) => examine(session, candidate)),
  );
  if (session.json) {
    printJson({ providers: reports });
    return 0;
  }
  print(table(['NAME', 'VERSION', 'STATUS', 'ISOLATION', 'CAPABILITIES'], reports.map(row)));
  const reasons = reports.flatMap(({ name, message }) => (message ? [`${name}: ${message}`] : []));
  const missing = reports.flatMap(({ install }) => install ?? []);
  if (reasons.length > 0) print(`\n${reasons.join('\n')}\nSee why: gantry doctor\n`);
  if (missing.length > 0) print(`\nTo install:\n${missing.map((line) => `  ${line}\n`).join('')}`);
  return 0;
}

/** What there is to look at: everything, and the module that `--provider` names. */
export function candidates(provider: string): readonly ProviderCandidate[] {
  const own = isModulePath(provider) ? [{ name: provider, summary: 'a module of yours' }] : [];
  return [...providerCandidates(), ...own];
}

async function examine(session: Session, candidate: ProviderCandidate): Promise<ProviderReport> {
  const installed = candidate.package !== undefined || isModulePath(candidate.name);
  if (!installed) return { ...candidate, installed, install: installCommand(candidate.name) };
  const examination = await examineProvider(candidate.name, session.interrupts.signal, false);
  return { ...candidate, installed, ...examination };
}

function row(report: ProviderReport): readonly string[] {
  const { name, capabilities, installed, usable } = report;
  const status = !installed ? 'not installed' : usable ? 'usable' : 'not usable here';
  return [
    name,
    report.package?.version ?? '-',
    status,
    capabilities?.traits.isolation ?? '-',
    capabilities === undefined ? '-' : capabilityNames(capabilities).join(' '),
  ];
}

import { styleText } from 'node:util';
import { arch, platform, release } from 'node:os';
import { ANSWER_IS_NO } from '../exit-codes.ts';
import { printable } from '../output/printable.ts';
import { print, printJson } from '../output/print.ts';
import { type Examination, examineProvider } from '../provider/examine-provider.ts';
import type { ProviderCandidate } from '../provider/installed-providers.ts';
import { installCommand } from '../provider/known-providers.ts';
import { isModulePath } from '../provider/load-provider.ts';
import type { CommonOptions, Session } from '../session.ts';
import { candidates } from './providers.ts';

interface Diagnosis extends Examination {
  readonly name: string;
}

/** `gantry doctor`: what this machine can do, and why not. Returns 0 when some provider can run here. */
export async function doctor(session: Session, options: CommonOptions): Promise<number> {
  const machine = {
    node: process.versions.node,
    platform: platform(),
    arch: arch(),
    kernel: release(),
  };
  const diagnoses = await Promise.all(
    candidates(options.provider).map((candidate) => diagnose(session, candidate)),
  );
  const ok = diagnoses.some(({ usable }) => usable);
  if (session.json) {
    printJson({ ok, machine, providers: diagnoses });
  } else {
    print(`Node ${machine.node} on ${machine.platform} ${machine.kernel} (${machine.arch})\n`);
    for (const diagnosis of diagnoses) print(`\n${describe(diagnosis)}`);
    print(ok ? '\nSandboxes can run here.\n' : '\nNo provider can run sandboxes here.\n');
  }
  return ok ? 0 : ANSWER_IS_NO;
}

async function diagnose(session: Session, candidate: ProviderCandidate): Promise<Diagnosis> {
  const { name } = candidate;
  if (candidate.package === undefined && !isModulePath(name)) {
    return { name, usable: false, message: `not installed: ${installCommand(name)}` };
  }
  return { name, ...(await examineProvider(name, session.interrupts.signal, true)) };
}

function describe({ name, usable, message, findings = [], capabilities }: Diagnosis): string {
  const isolation = capabilities && `, isolation: ${capabilities.traits.isolation}`;
  const verdict = usable ? `works here${isolation ?? ''}` : (message ?? 'does not work here');
  const lines = findings.map(
    (finding) => `  ${mark(finding.ok)} ${printable(`${finding.control}: ${finding.message}`)}\n`,
  );
  return `${mark(usable)} ${name}: ${printable(verdict)}\n${lines.join('')}`;
}

function mark(ok: boolean): string {
  return ok
    ? styleText('green', 'ok', { stream: process.stdout })
    : styleText('red', 'no', { stream: process.stdout });
}

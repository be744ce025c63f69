import { printableName } from './byte-name.ts';
import type { Plan, PlanEntry } from './plan-types.ts';

/** The plan as text for people, one fact to a line, safe to print to a terminal. */
export function formatPlan(plan: Plan): string {
  const { policy } = plan;
  const lines = [
    `plan ${plan.digest}`,
    `manifest ${plan.manifestDigest}`,
    `provider ${plan.provider}`,
    ...field('image', policy.image),
    ...field('root', policy.root),
    ...field('privilege', policy.privilege),
    ...field('user', policy.user),
    `network ${policy.network.mode === 'allow-list' ? `only ${policy.network.allow.join(', ')}` : policy.network.mode}`,
    ...Object.entries(policy.resources ?? {}).map(([name, value]) => `limit ${name} ${value}`),
    ...field('ports', policy.ports?.join(', ')),
    ...section('entries', plan.entries.map(entryLine)),
    ...section(
      'mounts',
      policy.mounts.map(({ source, target, writable }) => {
        return `${target} <- ${source} (${writable ? 'writable' : 'read-only'})`;
      }),
    ),
    ...section(
      'setup',
      policy.setup.map((command) =>
        typeof command === 'string' ? command : JSON.stringify(command),
      ),
    ),
    ...section(
      'secrets',
      (plan.secrets ?? []).map(
        ({ name, hosts, by }) => `${name} for ${hosts.join(', ')}, put into requests by the ${by}`,
      ),
    ),
    ...section(
      'refused',
      plan.refused.map(({ path, field: name, reason }) => `${path ?? name}: ${reason}`),
    ),
  ];
  return `${lines.map(printableName).join('\n')}\n`;
}

function entryLine({
  path,
  type,
  files,
  directories,
  links,
  bytes,
  digest,
  commit,
  notes,
}: PlanEntry): string {
  const counts = [count(files, 'file'), count(directories, 'dir'), count(links, 'link')].filter(
    (text) => text !== '',
  );
  const contents =
    commit === undefined ? `${counts.join(', ')}, ${bytes} bytes` : `commit ${commit}`;
  const identity = digest === undefined ? '' : ` sha256:${digest.slice(0, 12)}`;
  return `${path} (${type}) ${contents}${identity}${notes === undefined ? '' : ` [${notes.join('; ')}]`}`;
}

function count(number: number, what: string): string {
  if (number === 0) return '';
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function field(name: string, value: string | undefined): string[] {
  return value === undefined || value === '' ? [] : [`${name} ${value}`];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

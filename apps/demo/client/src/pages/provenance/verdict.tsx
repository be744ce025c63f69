import { Code, Text } from '@mantine/core';
import { IconShield, IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type {
  TamperAnswer,
  Tampering,
  VerificationView,
} from '../../../../src/protocol/provenance.ts';
import type { ChainCheck } from './chain-hash.ts';
import classes from './verdict.module.css';

const deeds: Readonly<Record<Tampering, string>> = {
  edit: 'was edited',
  remove: 'was removed',
  swap: 'was swapped with the next',
  truncate: 'was made the last: all after it were cut off, and the chain was made to fit',
  forge: 'was edited, and every hash behind it was made anew',
};

/** What verifying found: of the record, or of a copy that was tampered with. */
export function Verdict({
  verification,
  check,
  total,
  keyId,
  tampered,
}: {
  verification: VerificationView | undefined;
  check: ChainCheck | undefined;
  total: number;
  keyId: string | undefined;
  tampered: TamperAnswer | undefined;
}): ReactNode {
  const found = tampered?.verification ?? verification;
  const tone = found === undefined ? 'idle' : found.verdict === 'broken' ? 'bad' : 'good';
  const Icon = { idle: IconShield, bad: IconShieldX, good: IconShieldCheck }[tone];
  return (
    <section className={classes.verdict} data-tone={tone} role="status" aria-label="Verification">
      <Icon size={34} stroke={1.4} aria-hidden className={classes.icon} />
      <div className={classes.words}>
        <Text fw={650} fz={17}>
          {headline(found, tampered)}
        </Text>
        <Text size="sm" c="dimmed">
          {detail(found, total, keyId, tampered)}
        </Text>
        {tampered !== undefined && <Problems answer={tampered} />}
      </div>
      {tampered === undefined && check !== undefined && (
        <div className={classes.browser}>
          <span className={classes.bar} aria-hidden>
            <span style={{ width: `${(check.done / Math.max(1, total)) * 100}%` }} />
          </span>
          <Text size="xs" c="dimmed" className="numbers">
            {check.brokenAt === undefined
              ? `${check.done} of ${total} hashes made anew by this browser`
              : `this browser found event ${check.brokenAt} broken`}
          </Text>
        </div>
      )}
    </section>
  );
}

function headline(found: VerificationView | undefined, tampered: TamperAnswer | undefined): string {
  if (tampered) {
    const verdict = found?.verdict === 'broken' ? 'found out' : 'NOT found out';
    return `Tampering ${verdict}: event ${tampered.sequence} of a copy ${deeds[tampered.how]}`;
  }
  if (!found) return 'Not verified yet';
  if (found.verdict === 'verified') return 'Verified: this is what was written';
  if (found.verdict === 'unanchored') return 'The chain holds, but nothing has signed it yet';
  return 'Broken: this is not what was written';
}

function detail(
  found: VerificationView | undefined,
  total: number,
  keyId: string | undefined,
  tampered: TamperAnswer | undefined,
): string {
  if (!found)
    return `${total} events. Verify reads them all, hashes each, and checks every signature.`;
  const key = keyId === undefined ? '' : ` with key ${keyId.slice(0, 12)}`;
  const what = `${found.events} events, signed through ${found.signedThrough}${key}, in ${found.milliseconds} ms.`;
  return tampered === undefined ? what : `${what} The record itself is untouched.`;
}

function Problems({ answer }: { answer: TamperAnswer }): ReactNode {
  const { problems } = answer.verification;
  return (
    <div className={classes.problems}>
      {answer.before !== undefined && answer.after !== undefined && answer.how !== 'swap' && (
        <pre className={classes.change}>
          <del>{excerpt(answer.before, answer.after)}</del>
          {'\n'}
          <ins>{excerpt(answer.after, answer.before)}</ins>
        </pre>
      )}
      <ul>
        {problems.slice(0, 4).map(({ kind, sequence, message }, index) => (
          <li key={`${sequence}-${index}`}>
            <Code>{kind}</Code> {message}
          </li>
        ))}
        {problems.length > 4 && <li>and {problems.length - 4} more</li>}
      </ul>
    </div>
  );
}

/** What is around the first place where a text is not as another. */
function excerpt(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  return `…${text.slice(Math.max(0, at - 28), at + 26)}…`;
}

import { Button, Select, Text } from '@mantine/core';
import { IconRosetteDiscountCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import type {
  ChainAnswer,
  ChainLink,
  RunEventView,
  TamperAnswer,
  Tampering,
  TamperRequest,
} from '../../../../src/protocol/provenance.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { parseAnswer } from '../../app/parse-answer.ts';
import { EventDetails } from './event-details.tsx';
import classes from './chain.module.css';

/** The events of a record, one chained to the next, and one of them open. */
export function Chain({
  chain,
  run,
  tampered,
  onTampered,
}: {
  chain: ChainAnswer;
  run: string;
  tampered: TamperAnswer | undefined;
  onTampered: (answer: TamperAnswer | undefined) => void;
}): ReactNode {
  const { sequence: chosen } = useParams<{ sequence?: string }>();
  const [, navigate] = useLocation();
  const frame = useRef<HTMLDivElement>(null);
  const events = useMemo(
    () => chain.links.map(({ text }) => parseAnswer<RunEventView>(text)),
    [chain],
  );
  const index = Math.max(0, Math.min(chain.links.length - 1, Number(chosen ?? '1') - 1));
  const link = chain.links[index];
  const event = events[index];
  const broken = new Set(tampered?.verification.problems.map(({ sequence }) => sequence));
  const go = (to: number): void => {
    onTampered(undefined);
    navigate(`/provenance/${run}/${to}`, { replace: true });
  };
  useEffect(() => {
    const row = frame.current?.querySelector<HTMLElement>('[aria-current]');
    const box = frame.current;
    if (!row || !box) return;
    const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
    if (top < box.scrollTop || bottom > box.scrollTop + box.clientHeight)
      box.scrollTo({ top: top - box.clientHeight / 3 });
  }, [index]);
  const onKey = (key: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key.key];
    if (step === undefined) return;
    key.preventDefault();
    const to = Math.max(1, Math.min(chain.links.length, index + 1 + step));
    go(to);
    frame.current?.querySelector<HTMLElement>(`[data-sequence="${to}"]`)?.focus();
  };
  return (
    <div className={classes.columns}>
      <div
        className={classes.events}
        ref={frame}
        role="group"
        aria-label="Events"
        onKeyDown={onKey}
      >
        {chain.links.map((each, at) => (
          <EventRow
            key={each.sequence}
            link={each}
            event={events[at]}
            selected={at === index}
            broken={broken.has(each.sequence)}
            onSelect={go}
          />
        ))}
      </div>
      {link !== undefined && event !== undefined && (
        <div className={classes.side}>
          <Tamper run={run} sequence={link.sequence} onTampered={onTampered} />
          <EventDetails
            link={link}
            previous={chain.links[index - 1]?.hash ?? chain.first}
            event={event}
          />
        </div>
      )}
    </div>
  );
}

function EventRow({
  link,
  event,
  selected,
  broken,
  onSelect,
}: {
  link: ChainLink;
  event: RunEventView | undefined;
  selected: boolean;
  broken: boolean;
  onSelect: (sequence: number) => void;
}): ReactNode {
  if (!event) return null;
  const words = [event.scope, event.step, event.sandbox?.slice(0, 14)];
  return (
    <button
      type="button"
      className={classes.event}
      aria-current={selected || undefined}
      data-broken={broken || undefined}
      data-sequence={link.sequence}
      onClick={() => {
        onSelect(link.sequence);
      }}
    >
      <span className={classes.sequence}>{link.sequence}</span>
      <span className={classes.what}>
        <span className={classes.type}>{event.type}</span>
        <span className={classes.about}>
          {words.filter((word) => word !== undefined).join(' · ')}
        </span>
      </span>
      {link.signed && (
        <IconRosetteDiscountCheck
          size={16}
          className={classes.seal}
          aria-label="signed up to here"
        />
      )}
      <span className={classes.hash}>{broken ? 'broken' : link.hash.slice(0, 8)}</span>
    </button>
  );
}

const ways: readonly { readonly value: Tampering; readonly label: string }[] = [
  { value: 'edit', label: 'Edit it' },
  { value: 'remove', label: 'Remove it' },
  { value: 'swap', label: 'Swap it with the next' },
  { value: 'truncate', label: 'Cut off all after it' },
  { value: 'forge', label: 'Edit it and forge the chain' },
];

function Tamper({
  run,
  sequence,
  onTampered,
}: {
  run: string;
  sequence: number;
  onTampered: (answer: TamperAnswer) => void;
}): ReactNode {
  const [how, setHow] = useState<Tampering>('edit');
  const tamper = useMutation({
    mutationFn: (request: TamperRequest) =>
      send<TamperAnswer>('POST', path`/api/runs/${run}/tamper`, request),
    onSuccess: onTampered,
  });
  return (
    <section className={classes.tamper} aria-label="Tamper">
      <Text size="sm" c="dimmed">
        Do to a copy of this record what somebody could who may write its file, and see whether it
        is found out.
      </Text>
      <div className={classes.tamperRow}>
        <Select
          aria-label="How to tamper"
          data={ways}
          value={how}
          allowDeselect={false}
          onChange={(value) => {
            setHow(ways.find((way) => way.value === value)?.value ?? 'edit');
          }}
        />
        <Button
          color="red"
          variant="light"
          loading={tamper.isPending}
          onClick={() => {
            tamper.mutate({ how, sequence });
          }}
        >
          Tamper
        </Button>
      </div>
      {tamper.error !== null && <ErrorDisplay error={tamper.error} />}
    </section>
  );
}

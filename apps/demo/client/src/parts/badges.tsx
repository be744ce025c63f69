import type { ReactNode } from 'react';
import classes from './badges.module.css';

/** Stands wherever a provider is named that is really the vendor's emulator on this machine. */
export function EmulatedBadge(): ReactNode {
  return (
    <span
      className={classes.emulated}
      title="The vendor's own SDK, talking to an emulator of the vendor on this machine"
    >
      emulated
    </span>
  );
}

/** Stands wherever an agent is shown whose model is really a script. */
export function ScriptedBadge(): ReactNode {
  return (
    <span
      className={classes.emulated}
      title="No model: a script drives the agent's tools, since the server has no key for a model"
    >
      scripted
    </span>
  );
}

/** A provider's name, marked where it is emulated. */
export function ProviderName({ id, emulated }: { id: string; emulated: boolean }): ReactNode {
  return (
    <span className={classes.provider}>
      <span>{id}</span>
      {emulated && <EmulatedBadge />}
    </span>
  );
}

/** How something is, as a dot and a word; never by color alone. */
export function StateLabel({
  tone,
  children,
  busy = false,
}: {
  tone: 'good' | 'warn' | 'bad' | 'idle' | 'active';
  children: ReactNode;
  /** It is under way. */
  busy?: boolean;
}): ReactNode {
  return (
    <span className={classes.state} data-tone={tone} data-busy={busy || undefined}>
      <span className={classes.dot} aria-hidden />
      {children}
    </span>
  );
}

/** The state of a sandbox. */
export function SandboxState({
  state,
}: {
  state: 'running' | 'suspended' | 'stopped' | 'gone';
}): ReactNode {
  const tones = { running: 'good', suspended: 'warn', stopped: 'idle', gone: 'bad' } as const;
  return <StateLabel tone={tones[state]}>{state}</StateLabel>;
}

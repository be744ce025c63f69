import '@xterm/xterm/css/xterm.css';
import { Button, Group, Kbd, Text, useComputedColorScheme } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { StateLabel } from '../../parts/badges.tsx';
import { connectTerminal, type TerminalStatus } from './connect-terminal.ts';
import { terminalColors } from './terminal-colors.ts';
import classes from './terminal-tab.module.css';

/** A shell in the sandbox. It ends with the page; Shift-Escape and Shift-Tab leave it by keyboard. */
export default function TerminalTab({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const scheme = useComputedColorScheme('light');
  const place = useRef<HTMLDivElement>(null);
  const terminal = useRef<Terminal>(null);
  const leave = useRef<HTMLButtonElement>(null);
  const [status, setStatus] = useState<TerminalStatus>({ state: 'connecting' });
  /** A change of it opens a new shell. */
  const [attempt, setAttempt] = useState(0);
  const isSupported = sandbox.capabilities.terminal !== undefined;

  useEffect(() => {
    const { current: parent } = place;
    if (parent === null || !isSupported) return undefined;
    const view = new Terminal({
      fontFamily: getComputedStyle(parent).fontFamily,
      fontSize: 13,
      lineHeight: 1.25,
      cursorBlink: false,
      scrollback: 5000,
      // Screen readers get the lines as text.
      screenReaderMode: false,
    });
    const fit = new FitAddon();
    view.loadAddon(fit);
    view.open(parent);
    fit.fit();
    view.attachCustomKeyEventHandler((event) => {
      // Tab is the shell's; Shift-Tab goes back on the page, so that no key is needed that nobody knows.
      if (event.key === 'Tab' && event.shiftKey) return false;
      if (!(event.key === 'Escape' && event.shiftKey)) return true;
      if (event.type === 'keydown') leave.current?.focus();
      return false;
    });
    terminal.current = view;
    const connection = connectTerminal(sandbox.id, view, setStatus);
    const observer = new ResizeObserver(() => {
      // Hidden behind another tab it has no size that means anything.
      if (parent.clientWidth > 0) fit.fit();
    });
    observer.observe(parent);
    // It comes late; who has opened something over the page by then goes on there.
    if (!document.activeElement?.closest('[role="dialog"]')) view.focus();
    return () => {
      observer.disconnect();
      connection.close();
      view.dispose();
      terminal.current = null;
    };
  }, [sandbox.id, attempt, isSupported]);

  useEffect(() => {
    if (terminal.current !== null) terminal.current.options.theme = terminalColors[scheme];
  }, [scheme, attempt]);

  if (!isSupported) {
    return (
      <Text c="dimmed" size="sm">
        {sandbox.provider} does not declare terminals. Commands, files and processes work.
      </Text>
    );
  }
  return (
    <div className={classes.box}>
      <div ref={place} className={classes.screen} data-testid="terminal" />
      <Group justify="space-between" gap={8} className={classes.foot}>
        <TerminalState status={status} />
        <Group gap={10}>
          <Text size="xs" c="dimmed" visibleFrom="sm">
            <Kbd size="xs">Shift</Kbd> <Kbd size="xs">Esc</Kbd> leaves the terminal
          </Text>
          <Button
            ref={leave}
            size="compact-xs"
            variant="default"
            onClick={() => {
              setStatus({ state: 'connecting' });
              setAttempt(attempt + 1);
            }}
          >
            New shell
          </Button>
        </Group>
      </Group>
    </div>
  );
}

function TerminalState({ status }: { status: TerminalStatus }): ReactNode {
  if (status.state === 'connecting') {
    return (
      <StateLabel tone="active" busy>
        opening
      </StateLabel>
    );
  }
  if (status.state === 'open') return <StateLabel tone="good">connected</StateLabel>;
  if (status.state === 'ended') return <StateLabel tone="idle">{status.how}</StateLabel>;
  return <StateLabel tone="bad">{status.message}</StateLabel>;
}

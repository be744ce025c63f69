import { Group, Kbd, Modal, Stack, Table, Text } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { allDestinations } from './destinations.ts';
import { togglePalette } from './palette.tsx';

/** How long after `g` the second key counts. */
const SEQUENCE_MS = 1_500;

/** Whether keys belong to what has the focus, because one types there. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Ctrl-K or Cmd-K, wherever one types; but Ctrl-K in a terminal is the shell's, which cuts a line with it. */
function isPaletteKey({ key, ctrlKey, metaKey, altKey, shiftKey, target }: KeyboardEvent): boolean {
  if (key.toLowerCase() !== 'k' || altKey || shiftKey || ctrlKey === metaKey) return false;
  return metaKey || !(target instanceof Element && target.closest('.xterm'));
}

/** The keys that work on every page: Ctrl-K for the palette, `g` and a letter to go, `c` to create, `?` for the list of keys. */
export function Hotkeys(): ReactNode {
  const [, navigate] = useLocation();
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    let goUntil = 0;
    const onPaletteKey = (event: KeyboardEvent): void => {
      if (!isPaletteKey(event)) return;
      event.preventDefault();
      event.stopPropagation();
      togglePalette();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const now = event.timeStamp;
      if (now < goUntil) {
        goUntil = 0;
        const destination = allDestinations.find(({ key }) => key === event.key);
        if (destination === undefined) return;
        event.preventDefault();
        navigate(destination.path);
        return;
      }
      if (event.key === 'g') goUntil = now + SEQUENCE_MS;
      if (event.key === 'c') {
        event.preventDefault();
        navigate('/sandboxes?create=1');
      }
      if (event.key === '?') setOpened(true);
    };
    // Before what has the focus gets it: an editor may have a use for it of its own.
    window.addEventListener('keydown', onPaletteKey, { capture: true });
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onPaletteKey, { capture: true });
      window.removeEventListener('keydown', onKey);
    };
  }, [navigate]);
  return (
    <Modal
      opened={opened}
      onClose={() => {
        setOpened(false);
      }}
      title={<Text fw={620}>Keys</Text>}
    >
      <KeyList />
    </Modal>
  );
}

function KeyList(): ReactNode {
  const keys: readonly (readonly [keys: readonly string[], what: string])[] = [
    [['/'], 'Search and go anywhere'],
    [['Ctrl', 'K'], 'The same, also where one types'],
    ...allDestinations.map(({ key, label }) => [['g', key], label] as const),
    [['c'], 'New sandbox'],
    [['↑', '↓'], 'Move in a list'],
    [['Enter'], 'Open'],
    [['Shift', 'Esc'], 'Leave the terminal'],
    [['Esc'], 'Close'],
    [['?'], 'This list'],
  ];
  return (
    <Stack>
      <Table verticalSpacing={6} aria-label="Keys">
        <Table.Tbody>
          {keys.map(([names, what]) => (
            <Table.Tr key={names.join(' ')}>
              <Table.Td>{what}</Table.Td>
              <Table.Td>
                <Group gap={4} justify="flex-end">
                  {names.map((name) => (
                    <Kbd key={name}>{name}</Kbd>
                  ))}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}

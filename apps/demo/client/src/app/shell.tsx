import {
  ActionIcon,
  Burger,
  Drawer,
  Group,
  Kbd,
  Text,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ColorSchemeButton } from './color-scheme.tsx';
import { allDestinations } from './destinations.ts';
import { useConnection } from './event-stream.tsx';
import { Hotkeys } from './hotkeys.tsx';
import { Navigation } from './navigation.tsx';
import icon from './icon.svg';
import { openPalette, Palette } from './palette.tsx';
import { Routes } from './routes.tsx';
import classes from './shell.module.css';

/** The frame of every page: navigation at the side, on a phone behind a button; palette and keys everywhere. */
export function Shell(): ReactNode {
  const [location] = useLocation();
  const [menuOpened, setMenuOpened] = useState(false);
  const closeMenu = (): void => {
    setMenuOpened(false);
  };
  useEffect(() => {
    const current = allDestinations.findLast(
      ({ path }) => path !== '/' && (location === path || location.startsWith(`${path}/`)),
    );
    document.title = current === undefined ? 'Gantry' : `${current.label} · Gantry`;
  }, [location]);
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.bar}>
        <Group gap={8} wrap="nowrap">
          <Burger
            opened={menuOpened}
            onClick={() => {
              setMenuOpened(!menuOpened);
            }}
            size="sm"
            aria-label="Navigation"
          />
          <Brand />
        </Group>
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Search"
            onClick={openPalette}
          >
            <IconSearch size={18} />
          </ActionIcon>
          <ColorSchemeButton />
        </Group>
      </header>
      <aside className={classes.side} aria-label="Navigation">
        <div className={classes.brandRow}>
          <Brand />
          <ColorSchemeButton />
        </div>
        <UnstyledButton className={classes.search} onClick={openPalette}>
          <IconSearch size={15} stroke={1.8} aria-hidden />
          <span>Search</span>
          <Kbd size="xs">/</Kbd>
        </UnstyledButton>
        <Navigation />
        <div className={classes.foot}>
          <ConnectionState />
        </div>
      </aside>
      <Drawer opened={menuOpened} onClose={closeMenu} size={280} title={<Brand />}>
        <Navigation onGo={closeMenu} />
        <div className={classes.foot}>
          <ConnectionState />
        </div>
      </Drawer>
      <main id="content" className={classes.content} tabIndex={-1}>
        <Routes />
      </main>
      <Palette />
      <Hotkeys />
    </div>
  );
}

function Brand(): ReactNode {
  return (
    <Link href="/" className={classes.brand}>
      <img src={icon} width={24} height={24} alt="" />
      <Text span fw={680} fz={16} lts="-0.01em">
        Gantry
      </Text>
    </Link>
  );
}

/** Whether what is shown is live. */
function ConnectionState(): ReactNode {
  const connection = useConnection();
  const words = {
    connecting: ['Connecting', 'The page asks the server for its events.'],
    live: ['Live', 'Every page shows what is, as it changes.'],
    refused: ['Session over', 'The server was started again. Open the address that it printed.'],
    lost: ['Not connected', 'The server does not answer. The page tries again by itself.'],
  } as const;
  const [label, about] = words[connection];
  return (
    <Tooltip label={about} position="top-start">
      <Group gap={8} className={classes.connection} data-state={connection} role="status">
        <span className={classes.dot} aria-hidden />
        <Text size="xs" c="dimmed">
          {label}
        </Text>
      </Group>
    </Tooltip>
  );
}

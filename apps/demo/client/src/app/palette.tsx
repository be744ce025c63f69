import { Kbd } from '@mantine/core';
import { Spotlight, spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconBox, IconPlus, IconSearch, IconSunMoon } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { useToggleColorScheme } from './color-scheme.tsx';
import { allDestinations } from './destinations.ts';
import type { SandboxView } from '../../../src/protocol/sandboxes.ts';
import { keys } from './queries.ts';

/** Opens the command palette. */
export const openPalette: () => void = spotlight.open;

/** Opens it, or closes it where it is open. */
export const togglePalette: () => void = spotlight.toggle;

/** The command palette: every page, every listed sandbox, every action that needs no page. `/` or Ctrl-K. */
export function Palette(): ReactNode {
  const [, navigate] = useLocation();
  const { toggle } = useToggleColorScheme();
  const queryClient = useQueryClient();
  const [query, setQuery] = useState('');
  const sandboxes = queryClient.getQueryData<readonly SandboxView[]>(keys.sandboxes) ?? [];
  const actions: SpotlightActionData[] = [
    ...allDestinations.map(({ path, label, about, icon: Icon, key }) => ({
      id: path,
      label,
      description: about,
      leftSection: <Icon size={20} stroke={1.6} />,
      rightSection: <Kbd size="xs">g {key}</Kbd>,
      onClick: () => {
        navigate(path);
      },
    })),
    {
      id: 'create',
      label: 'New sandbox',
      description: 'From a manifest',
      leftSection: <IconPlus size={20} stroke={1.6} />,
      onClick: () => {
        navigate('/sandboxes?create=1');
      },
    },
    {
      id: 'colors',
      label: 'Change between light and dark',
      leftSection: <IconSunMoon size={20} stroke={1.6} />,
      onClick: toggle,
    },
    ...sandboxes.map(({ id, provider, name, emulated }) => ({
      id: `sandbox:${id}`,
      label: name,
      description: `Sandbox of ${provider}${emulated ? ' (emulated)' : ''}`,
      leftSection: <IconBox size={20} stroke={1.6} />,
      onClick: () => {
        navigate(`/sandboxes/${encodeURIComponent(id)}`);
      },
    })),
  ];
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      limit={12}
      scrollable
      maxHeight={420}
      overlayProps={{ blur: 0, opacity: 0.35 }}
      shortcut="/"
      nothingFound="Nothing has that name"
      searchProps={{
        'aria-label': 'Search pages, sandboxes and actions',
        placeholder: 'Go to, or do…',
        leftSection: <IconSearch size={18} stroke={1.6} />,
      }}
    />
  );
}

import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** Light or dark: the system's choice until the button is used; the choice is kept in this browser. */
export function useToggleColorScheme(): { scheme: 'light' | 'dark'; toggle: () => void } {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  return {
    scheme,
    toggle: () => {
      setColorScheme(scheme === 'dark' ? 'light' : 'dark');
    },
  };
}

/** The button that changes between light and dark. */
export function ColorSchemeButton(): ReactNode {
  const { scheme, toggle } = useToggleColorScheme();
  const label = scheme === 'dark' ? 'Use light colors' : 'Use dark colors';
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={toggle}>
        {scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

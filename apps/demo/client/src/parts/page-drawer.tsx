import { Drawer } from '@mantine/core';
import type { KeyboardEvent, ReactNode } from 'react';

/**
 * A drawer at the right that covers a part of the page. Escape closes what is open in it first, such as a list of completions
 * or a popover, and the drawer only then.
 */
export function PageDrawer({
  opened,
  onClose,
  width,
  title,
  children,
}: {
  opened: boolean;
  onClose: () => void;
  /** Pixels, where the window has them. */
  width: number;
  title: ReactNode;
  children: ReactNode;
}): ReactNode {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    // So Mantine marks a field whose own list is open.
    const { target } = event;
    if (target instanceof HTMLElement && target.dataset['mantineStopPropagation'] === 'true')
      return;
    onClose();
  };
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      closeOnEscape={false}
      onKeyDown={onKeyDown}
      position="right"
      size={`min(${width}px, 100%)`}
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {children}
    </Drawer>
  );
}

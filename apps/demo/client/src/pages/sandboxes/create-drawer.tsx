import { Drawer, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import { useSearch } from '../../app/use-search.ts';
import { CreateForm } from './create-form.tsx';

/** The drawer in which a sandbox is made; open while the address says `create=1`. */
export function CreateDrawer(): ReactNode {
  const [create] = useSearch('create');
  const [, setParameters] = useSearchParams();
  return (
    <Drawer
      opened={create !== ''}
      onClose={() => {
        setParameters((before) => {
          const after = new URLSearchParams(before);
          after.delete('create');
          after.delete('on');
          return after;
        });
      }}
      position="right"
      size="min(980px, 100%)"
      title={
        <Text fw={640} fz={17}>
          New sandbox
        </Text>
      }
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <CreateForm />
    </Drawer>
  );
}

import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import { useSearch } from '../../app/use-search.ts';
import { PageDrawer } from '../../parts/page-drawer.tsx';
import { CreateForm } from './create-form.tsx';

/** The drawer in which a sandbox is made; open while the address says `create=1`. */
export function CreateDrawer(): ReactNode {
  const [create] = useSearch('create');
  const [, setParameters] = useSearchParams();
  return (
    <PageDrawer
      opened={create !== ''}
      onClose={() => {
        setParameters((before) => {
          const after = new URLSearchParams(before);
          after.delete('create');
          after.delete('on');
          return after;
        });
      }}
      width={980}
      title={
        <Text fw={640} fz={17}>
          New sandbox
        </Text>
      }
    >
      <CreateForm />
    </PageDrawer>
  );
}

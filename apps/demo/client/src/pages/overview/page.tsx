import { Button, Stack } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { PageHeader } from '../../parts/page-header.tsx';
import { Claims } from './claims.tsx';
import { ProviderVerdicts } from './provider-verdicts.tsx';
import { RunningNow } from './running-now.tsx';
import classes from './page.module.css';

/** What Gantry claims, what proves it, and what runs on this machine now. */
export default function OverviewPage(): ReactNode {
  return (
    <>
      <PageHeader
        title="Run agent work in any sandbox, and prove it"
        about="Four claims, each with what proves it on this machine. Every one can be tried by hand."
        actions={
          <Button
            component={Link}
            href="/sandboxes?create=1"
            leftSection={<IconPlus size={16} aria-hidden />}
          >
            New sandbox
          </Button>
        }
      />
      <Stack gap="xl">
        <Claims />
        <div className={classes.columns}>
          <ProviderVerdicts />
          <RunningNow />
        </div>
      </Stack>
    </>
  );
}

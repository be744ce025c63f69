import { Button, Skeleton } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { providersQuery } from '../../app/queries.ts';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { CapabilityMatrix } from './capability-matrix.tsx';
import { ProviderCard } from './provider-card.tsx';
import { ProviderDrawer } from './provider-drawer.tsx';
import classes from './page.module.css';

/** Every provider: what it can do, what is missing to use it, and the emulators of the vendors. */
export default function ProvidersPage(): ReactNode {
  const { data, error, isFetching, refetch } = useQuery(providersQuery);
  return (
    <>
      <PageHeader
        title="Providers"
        about="Each makes sandboxes in its own way, behind one contract. Without an account, a vendor’s emulator on this machine takes its place: the vendor’s own SDK, real sandboxes."
        actions={
          <>
            <CopyAsCode
              what="list the providers and what each misses"
              typescript={`import { local } from '@gantry/provider-local';

const provider = local();
console.log(provider.capabilities);
console.table(await provider.diagnose());
`}
              cli={'npx gantry providers\nnpx gantry doctor\n'}
            />
            <Button
              variant="default"
              leftSection={<IconRefresh size={16} aria-hidden />}
              loading={isFetching}
              onClick={() => void refetch()}
            >
              Look again
            </Button>
          </>
        }
      />
      {error !== null && (
        <ErrorDisplay
          error={error}
          title="The providers could not be listed"
          retry={() => void refetch()}
        />
      )}
      <div className={classes.cards}>
        {data === undefined && error === null
          ? [0, 1, 2, 3, 4].map((place) => (
              <div key={place} className={classes.card} aria-busy aria-label="Examining a provider">
                <Skeleton h={22} w="35%" />
                <Skeleton h={16} w="85%" />
                <Skeleton h={16} w="60%" mt={8} />
              </div>
            ))
          : data?.map((provider) => <ProviderCard key={provider.id} provider={provider} />)}
      </div>
      {data !== undefined && <CapabilityMatrix providers={data} />}
      <ProviderDrawer providers={data} />
    </>
  );
}

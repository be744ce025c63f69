import { ActionIcon, Tooltip } from '@mantine/core';
import { IconBolt } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './timeline-chart.module.css';

/** Ends one sandbox under the run. Keeps its place where there is nothing to end, so that nothing moves. */
export function KillButton({
  name,
  shown,
  busy,
  onClick,
}: {
  name: string;
  shown: boolean;
  busy: boolean;
  onClick: () => void;
}): ReactNode {
  if (!shown) return <span className={classes.action} />;
  return (
    <span className={classes.action}>
      <Tooltip label="Kill this sandbox">
        <ActionIcon
          size={24}
          variant="light"
          color="red"
          loading={busy}
          aria-label={`Kill the sandbox of ${name}`}
          onClick={onClick}
        >
          <IconBolt size={15} />
        </ActionIcon>
      </Tooltip>
    </span>
  );
}

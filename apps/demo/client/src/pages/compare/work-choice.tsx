import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ModelView } from '../../../../src/protocol/compare.ts';
import { stateQuery } from '../../app/queries.ts';
import { ScriptedBadge } from '../../parts/badges.tsx';
import classes from './page.module.css';

/** What the branches do: a command or an agent, and of an agent which model it has. */
export function WorkChoice({
  isAgent,
  onChange,
}: {
  isAgent: boolean;
  onChange: (isAgent: boolean) => void;
}): ReactNode {
  const model = useQuery(stateQuery).data?.model;
  return (
    <div className={classes.work}>
      <SegmentedControl
        aria-label="In each branch"
        value={isAgent ? 'agent' : 'command'}
        onChange={(value) => {
          onChange(value === 'agent');
        }}
        data={[
          { value: 'command', label: 'Command' },
          { value: 'agent', label: 'Agent' },
        ]}
      />
      {isAgent && <p className={classes.model}>{model !== undefined && <Model model={model} />}</p>}
    </div>
  );
}

function Model({ model }: { model: ModelView }): ReactNode {
  return model.vendor === undefined ? (
    <>
      <ScriptedBadge /> No model works here, since the server was started without{' '}
      <code>ANTHROPIC_API_KEY</code> or <code>OPENAI_API_KEY</code>. A script stands in: it writes
      the task to <code>TASK.md</code> and runs each line that begins with <code>$</code>, by the
      agent’s own tools.
    </>
  ) : (
    <>
      <strong>{model.id}</strong> of {model.vendor} works on the task, with commands and files of
      the branch’s sandbox. Its key stays in the server.
    </>
  );
}

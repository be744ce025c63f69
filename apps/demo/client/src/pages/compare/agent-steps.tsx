import { type ReactNode, useEffect, useRef } from 'react';
import type { AgentStep, AgentView } from '../../../../src/protocol/compare.ts';
import { formatDuration } from '../../parts/amounts.ts';
import classes from './page.module.css';

/** So near to the end, in pixels, the reader is taken along when there is more. */
const NEAR = 40;

/** What an agent does, step by step: the calls of its tools with their answers, and what the model says. */
export function AgentSteps({
  index,
  agent,
}: {
  index: number;
  agent: AgentView | undefined;
}): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const follows = useRef(true);
  const { steps = [], earlier = 0 } = agent ?? {};
  useEffect(() => {
    const { current } = list;
    if (current !== null && follows.current) current.scrollTop = current.scrollHeight;
  }, [steps]);
  const shown = steps
    .map((step, place) => ({ step, number: earlier + place }))
    .filter(({ step }) => step.kind === 'tool' || step.endedMs === undefined || step.output);
  const speaker = agent?.model.vendor === undefined ? 'script' : 'model';
  return (
    <ol
      ref={list}
      className={classes.steps}
      tabIndex={0}
      aria-label={`Steps of branch ${index + 1}`}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < NEAR;
      }}
    >
      {earlier > 0 && <li className={classes.step}>{earlier} earlier steps</li>}
      {shown.length === 0 && (
        <li className={classes.step}>
          <span className={classes.none}>no step yet</span>
        </li>
      )}
      {shown.map(({ step, number }) => (
        <Step key={number} step={step} speaker={speaker} />
      ))}
    </ol>
  );
}

function Step({ step, speaker }: { step: AgentStep; speaker: string }): ReactNode {
  const { kind, name, startedMs, endedMs, input, output, failed } = step;
  const isTool = kind === 'tool';
  return (
    <li className={classes.step}>
      <div className={classes.stepHead}>
        <span data-failed={failed}>
          {isTool ? name : `${speaker} ${endedMs === undefined ? 'chooses' : 'says'}`}
          {failed === true && ': failed'}
        </span>
        <span className={classes.took}>
          {endedMs === undefined ? 'runs' : formatDuration(endedMs - startedMs)}
        </span>
      </div>
      {input !== undefined && <pre>{input}</pre>}
      {output !== undefined &&
        (isTool ? (
          <pre className={classes.answer}>{output}</pre>
        ) : (
          <p className={classes.words}>{output}</p>
        ))}
    </li>
  );
}

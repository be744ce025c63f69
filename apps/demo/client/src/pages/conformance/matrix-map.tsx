import { Text } from '@mantine/core';
import { type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { ConformanceAnswer } from '../../../../src/protocol/conformance.ts';
import { useResolvedScheme } from './use-resolved-scheme.ts';
import classes from './kill-matrix.module.css';

type Matrix = ConformanceAnswer['matrix'];

/** Of a cell, in pixels of the page. */
const CELL = 4;

/** Every broken provider in a row, every check in a column: filled where the one was noticed by the other. */
export function MatrixMap({
  matrix,
  profiles,
  chosen,
  onChoose,
}: {
  matrix: Matrix;
  profiles: readonly (readonly [string, readonly string[]])[];
  chosen: string;
  onChoose: (mutant: string) => void;
}): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useResolvedScheme();
  const [over, setOver] = useState<{ row: number; column: number }>();
  const columns = useMemo(
    () => new Map(matrix.checks.map((check, index) => [check, index])),
    [matrix],
  );
  const width = matrix.checks.length * CELL;
  const height = matrix.mutants.length * CELL;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !canvas.current) return;
    const style = getComputedStyle(canvas.current);
    const color = (name: string): string => style.getPropertyValue(name);
    const scale = window.devicePixelRatio || 1;
    canvas.current.width = width * scale;
    canvas.current.height = height * scale;
    context.scale(scale, scale);
    context.clearRect(0, 0, width, height);
    let left = 0;
    for (const [index, [, checks]] of profiles.entries()) {
      context.fillStyle = color(index % 2 === 0 ? '--sunken' : '--panel');
      context.fillRect(left, 0, checks.length * CELL, height);
      left += checks.length * CELL;
    }
    for (const [row, { id, killedBy }] of matrix.mutants.entries()) {
      if (id === chosen) {
        context.fillStyle = color('--line');
        context.fillRect(0, row * CELL, width, CELL);
      }
      context.fillStyle = color('--cell');
      for (const check of killedBy) {
        const column = columns.get(check);
        if (column !== undefined)
          context.fillRect(column * CELL, row * CELL, CELL - 0.5, CELL - 0.5);
      }
    }
  }, [matrix, profiles, columns, chosen, width, height, scheme]);
  const place = (event: MouseEvent<HTMLCanvasElement>): { row: number; column: number } => {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      row: Math.floor(((event.clientY - box.top) / box.height) * matrix.mutants.length),
      column: Math.floor(((event.clientX - box.left) / box.width) * matrix.checks.length),
    };
  };
  const mutant = over && matrix.mutants[over.row];
  const check = over && matrix.checks[over.column];
  const noticed = mutant?.killedBy.includes(check ?? '') === true;
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.caption}>
        <Text size="xs" truncate>
          {mutant && check ? (
            <>
              <b>{mutant.id}</b>: {mutant.title} — <span className="mono">{check}</span>{' '}
              {noticed ? 'noticed' : matrix.against === 'all' ? 'did not notice' : ''}
            </>
          ) : (
            'Rows: broken providers. Columns: checks, in profiles. Filled: it noticed. Point at a cell; click to open its row.'
          )}
        </Text>
      </figcaption>
      <div className={classes.map} tabIndex={0} role="region" aria-label="Map of the kill matrix">
        <div style={{ width }} className={classes.profiles} aria-hidden>
          {profiles.map(([name, checks]) => (
            <span key={name} style={{ width: checks.length * CELL }} title={name}>
              {checks.length * CELL > name.length * 6 ? name : ''}
            </span>
          ))}
        </div>
        <canvas
          ref={canvas}
          style={{ width, height }}
          role="img"
          aria-label={`${matrix.mutants.length} broken providers against ${matrix.checks.length} checks. The list below has the same in words.`}
          onMouseMove={(event) => {
            setOver(place(event));
          }}
          onMouseLeave={() => {
            setOver(undefined);
          }}
          onClick={(event) => {
            const found = matrix.mutants[place(event).row];
            if (!found) return;
            onChoose(found.id);
            document.getElementById(`mutant-${found.id}`)?.scrollIntoView({ block: 'center' });
          }}
        />
      </div>
    </figure>
  );
}

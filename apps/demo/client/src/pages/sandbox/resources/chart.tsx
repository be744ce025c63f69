import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';
import classes from './resources.module.css';

/** Seconds that a chart shows. */
const WINDOW_S = 120;
const HEIGHT = 150;

/** One line over the last two minutes. The number of now stands beside it as text, for those who do not see it. */
export function Chart({
  times,
  values,
  format,
  steps,
  label,
}: {
  times: readonly number[];
  values: readonly (number | null)[];
  format: (value: number) => string;
  /** Distances of lines that make round numbers. */
  steps: readonly number[];
  label: string;
}): ReactNode {
  const scheme = useComputedColorScheme('light');
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(null);
  const formatNow = useRef(format);
  const firstSteps = useRef(steps);
  useEffect(() => {
    const { current: parent } = place;
    if (parent === null) return undefined;
    const color = (name: string): string => getComputedStyle(parent).getPropertyValue(name);
    const line = color('--mantine-color-anchor');
    const axis: UPlot.Axis = {
      stroke: color('--mantine-color-dimmed'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px "Inter Variable", sans-serif',
    };
    const chart = new UPlot(
      {
        width: parent.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [-WINDOW_S, 0] },
          y: { range: (_, __, top) => [0, top > 0 ? top * 1.2 : 1] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            incrs: [30],
            values: (_, splits) => splits.map((split) => (split === 0 ? 'now' : `${split} s`)),
            size: 26,
          },
          {
            ...axis,
            size: 62,
            space: 24,
            incrs: [...firstSteps.current],
            values: (_, splits) => splits.map((split) => formatNow.current(split)),
          },
        ],
        series: [{}, { stroke: line, width: 1.75, fill: `${line}22`, points: { show: false } }],
      },
      [[], []],
      parent,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (parent.clientWidth > 0) chart.setSize({ width: parent.clientWidth, height: HEIGHT });
    });
    observer.observe(parent);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [scheme]);
  useEffect(() => {
    plot.current?.setData([[...times], [...values]]);
  }, [times, values, scheme]);
  return <div ref={place} className={classes.chart} role="img" aria-label={`${label} over time`} />;
}

import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** One parameter of the address, and how to change it; an empty value removes it. A link to the page keeps what it shows. */
export function useSearch(name: string): readonly [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (value: string) => {
      setParameters(
        (before) => {
          const after = new URLSearchParams(before);
          if (value === '') after.delete(name);
          else after.set(name, value);
          return after;
        },
        { replace: true },
      );
    },
    [name, setParameters],
  );
  return [parameters.get(name) ?? '', set];
}

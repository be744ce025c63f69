import { useCallback, useEffect, useState } from 'react';

/** What is typed into the form of a new sandbox. */
export interface Draft {
  /** Empty: the server's default. */
  readonly provider: string;
  readonly name: string;
  /** Id of the template that the text began as. */
  readonly template: string;
  readonly manifest: string;
}

const KEY = 'gantry.new-sandbox';
const empty: Draft = { provider: '', name: '', template: '', manifest: '' };

/** The draft, kept for this tab: a reload or a look at another page loses nothing. */
export function useDraft(): readonly [Draft, (change: Partial<Draft>) => void] {
  const [draft, setDraft] = useState(readDraft);
  useEffect(() => {
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  }, [draft]);
  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
  }, []);
  return [draft, change];
}

function readDraft(): Draft {
  const text = sessionStorage.getItem(KEY);
  if (text === null) return empty;
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    // Nobody but this file writes it; what is damaged is a draft less.
    return empty;
  }
  if (typeof kept !== 'object' || kept === null) return empty;
  const word = (name: keyof Draft): string => {
    const value: unknown = Object.entries(kept).find(([key]) => key === name)?.[1];
    return typeof value === 'string' ? value : '';
  };
  return {
    provider: word('provider'),
    name: word('name'),
    template: word('template'),
    manifest: word('manifest'),
  };
}

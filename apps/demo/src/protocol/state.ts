import type { ModelView } from './compare.ts';

/** `GET /api/state`: what the whole page needs to know first. */
export interface StateAnswer {
  /** Of the library. */
  readonly version: string;
  /** Ids of the providers whose emulator runs now. */
  readonly emulatedRunning: readonly string[];
  /** The provider that forms start with: a ready one, `local` where it is. */
  readonly defaultProvider: string;
  /** Of the agents of comparisons. */
  readonly model: ModelView;
  /** Where the server keeps its state, for commands that are copied. */
  readonly stateDirectory: string;
  /** Events after this one are news; what the other answers say holds all up to it. */
  readonly lastEvent: number;
}

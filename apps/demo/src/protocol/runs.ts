/** What a run is about, as the list shows it. */
export interface RunSummary {
  readonly id: string;
  readonly job: 'clinical-records';
  readonly provider: string;
  readonly emulated: boolean;
  readonly state: 'running' | 'waiting' | 'killed' | 'finished' | 'failed';
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly documents: number;
  readonly documentsDone: number;
}

export type { Check, Level, Needs } from './check.ts';
export { checks } from './checks/index.ts';
export { runConformance } from './runner/run-conformance.ts';
export type { ConformanceOptions, Progress } from './runner/run-conformance.ts';
export type { CheckContext } from './runner/check-context.ts';
export type { Interval } from './runner/assertions.ts';
export type { CheckReport, ProfileReport, Report, Status, Verdict } from './runner/report.ts';
export type { LoadedSubject, Subject } from './subject/load-subject.ts';

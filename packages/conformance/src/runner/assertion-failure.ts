/** An assertion that did not hold: the subject is at fault. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** A prerequisite that is missing here: the check can decide nothing, which counts as a failure. */
export class Untestable extends Error {
  override readonly name = 'Untestable';
}

/** A fault of the suite itself. */
export class SuiteFault extends Error {
  override readonly name = 'SuiteFault';
}

/** One file of a skill. */
export interface SkillFile {
  /** Relative to the skill's folder, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** A folder with a `SKILL.md`: what a model can learn when it needs it. */
export interface Skill {
  /** Lower-case letters, digits and dashes. */
  readonly name: string;
  /** When to use it, in a sentence or two: all that a model sees before it asks. */
  readonly description: string;
  /** `SKILL.md` without its front matter. */
  readonly instructions: string;
  /** All files, `SKILL.md` too, sorted by path. */
  readonly files: readonly SkillFile[];
  /** SHA-256 over paths, modes and contents, in hexadecimal. */
  readonly digest: string;
  /** Where it came from, for records. */
  readonly source: string;
}

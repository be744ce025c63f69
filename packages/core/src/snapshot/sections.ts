import { scriptPath } from '../files/inside-path.ts';
import { ancestors, type BytePath, pathBytes } from '../manifest/byte-path.ts';
import { sectionLength } from './section-length.ts';

/**
 * A part of a workspace in which every path, taken from the part's root, is short enough for a system call (PATH_MAX is 4096,
 * and tools put something in front). Nearly every workspace is one.
 */
export interface Section {
  readonly root: BytePath;
  /** How to get from the workspace to the root: one path after another. */
  readonly steps: readonly BytePath[];
}

/** The workspace itself. */
const whole: Section = { root: '', steps: [] };

/** The sections of a workspace with these directories, the outer ones first. */
export function cutSections(directories: Iterable<BytePath>): readonly Section[] {
  const long = [...directories].filter((path) => path.length >= sectionLength);
  const sections = [whole];
  for (const path of long.toSorted((a, b) => a.length - b.length)) {
    const outer = sectionOf(path, sections);
    const step = insideSection(path, outer);
    if (step.length < sectionLength) continue;
    sections.push({ root: path, steps: [...outer.steps, step] });
  }
  return sections;
}

/** The section that an entry is in; a section's own root is in the one around it. */
export function sectionOf(path: BytePath, sections: readonly Section[]): Section {
  if (sections.length <= 1 || path.length < sectionLength) return whole;
  const roots = new Map(sections.map((section) => [section.root, section]));
  const inner = ancestors(path).findLast((parent) => roots.has(parent));
  return (inner === undefined ? undefined : roots.get(inner)) ?? whole;
}

/** A path as it is called within its section. */
export function insideSection(path: BytePath, { root }: Section): BytePath {
  return root === '' ? path : path.slice(root.length + 1);
}

/** A section's steps as the scripts take them. */
export function sectionArguments({ steps }: Section): string[] {
  return steps.map((step) => scriptPath(pathBytes(step)));
}

/** Items by section, the outer sections first. */
export function bySection<Item>(
  items: Iterable<Item>,
  pathOf: (item: Item) => BytePath,
  sections: readonly Section[],
): readonly (readonly [Section, readonly Item[]])[] {
  if (sections.length <= 1) return [[whole, [...items]]];
  const groups = new Map<Section, Item[]>(sections.map((section) => [section, []]));
  for (const item of items) {
    const section = sectionOf(pathOf(item), sections);
    const group = [...groups].find(([{ root }]) => root === section.root)?.[1];
    group?.push(item);
  }
  return [...groups].filter(([, group]) => group.length > 0);
}

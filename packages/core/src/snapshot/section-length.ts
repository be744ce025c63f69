/** A directory at this length, in bytes from its section's root, starts a section of its own. Its parents are shorter. */
export const sectionLength = 2000;

/** The files of a resident agent's lanes, how long a command's text may be, and the mark of a command. */
export { newMark } from './command-text.ts';
export { reservedBytes as commandBytes } from './lane-channel.ts';
export { laneFiles as files, laneNames as names } from './lane-names.ts';

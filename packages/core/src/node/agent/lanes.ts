/** The files of a resident agent's lanes, and how long a command's text may be. */
export { reservedBytes as commandBytes } from './lane-channel.ts';
export { laneFiles as files, laneNames as names } from './lane-names.ts';

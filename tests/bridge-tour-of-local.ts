// Takes the tour of the bridges on local sandboxes, as whoever this is, and prints what it came to: `node … STATE-DIRECTORY`.
import { local } from '@gantry/provider-local';
import { bridgeTour } from './bridge-tour.ts';

const [, , stateDirectory = ''] = process.argv;
process.stdout.write(JSON.stringify(await bridgeTour(local({ stateDirectory }))));

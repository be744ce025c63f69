import path from 'node:path';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

/** This package as the conformance suite and its other processes load it, on the daemon of this run of the tests. */
export function conformanceSubject(image: keyof typeof testImages = 'debian'): {
  load: string;
  export: string;
  options: object;
} {
  return {
    load: path.join(import.meta.dirname, '..', 'dist', 'index.js'),
    export: 'docker',
    options: { host: daemonOfRun().host, image: testImages[image] },
  };
}

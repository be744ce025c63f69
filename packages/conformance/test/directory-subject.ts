import { defineProvider, type Provider } from '@gantry/core/driver';
import { directoryDriver } from './directory-driver.ts';

/** The reference subject as a module, for checks that go on in another process. */
export default function directory(): Provider {
  return defineProvider(directoryDriver());
}

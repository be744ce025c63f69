import type { RestrictedSandbox } from '../contract/sandbox.ts';
import { SandboxFiles } from '../files/sandbox-files.ts';
import { unsupported } from '../provider/capabilities.ts';
import type { Session } from '../provider/session.ts';

/** What a sandbox does in another user's name. `use` gives the session, and throws when it is no longer usable. */
export function asUser(
  { exec, spawn }: Pick<RestrictedSandbox, 'exec' | 'spawn'>,
  user: string,
  use: (operation: string) => Session,
): RestrictedSandbox {
  const { driver, capabilities } = use('restricted');
  if (!capabilities.users) throw unsupported(driver.id, 'restricted with a user', 'users');
  return Object.freeze({
    exec: (line, options) => exec(line, { ...options, user }),
    spawn: (line, options) => spawn(line, { ...options, user }),
    files: new SandboxFiles((operation) => sessionOf(use(operation), user)),
  } satisfies RestrictedSandbox);
}

/** A session whose files are read and written by programs of that user: a driver's own streams know no user. */
function sessionOf(session: Session, user: string): Session {
  const { files: _files, transfer: _transfer, ...driver } = session.driver;
  return {
    ...session,
    driver: {
      ...driver,
      spawn: (handle, command, call) => driver.spawn(handle, { ...command, user }, call),
    },
  };
}

import type { Sandbox } from '@gantry/core';

/** The user that a vendor's sandboxes run everything as. */
export interface GuestAccount {
  readonly name: string;
  readonly home: string;
  /** Made last in a fresh sandbox: what is newer is the guest's own doing. */
  readonly marker: string;
}

/** The number of an account that is not root's, where the provider has users. */
export const accountNumber = 1000;

/** What every process of such a user finds in its environment. */
export function accountEnvironment({ name, home }: GuestAccount): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    USER: name,
    LOGNAME: name,
  };
}

/**
 * Makes the account of whoever the provider's guest is, in a fresh sandbox whose root file system can be written.
 * Returns what is in its way, or `undefined` when it is there.
 */
export async function prepareAccount(
  sandbox: Sandbox,
  { name, home, marker }: GuestAccount,
): Promise<string | undefined> {
  const script = `
set -e
mkdir -p ${home}
name=$(id -un)
[ "$name" = ${name} ] || {
  sed -i "s|^$name:\\([^:]*\\):\\([^:]*\\):\\([^:]*\\):[^:]*:[^:]*:[^:]*$|${name}:\\1:\\2:\\3:${name}:${home}:/bin/bash|" /etc/passwd
  sed -i "s|^$name:|${name}:|" /etc/group
}
[ "$(id -un)" = ${name} ]
command -v bash >/dev/null || { echo 'there is no bash' >&2; exit 1; }
: >${marker}
`;
  const result = await sandbox.exec(script, { timeoutMs: 60_000 });
  return result.ok ? undefined : result.stderr.text;
}

/**
 * Makes the account of number `accountNumber`, which the guest is, in a fresh sandbox that has a root beside it.
 * Returns what is in its way, or `undefined` when it is there.
 */
export async function prepareAccountBesideRoot(
  sandbox: Sandbox,
  { name, home, marker }: GuestAccount,
): Promise<string | undefined> {
  const id = accountNumber;
  const script = `
set -e
mkdir -p ${home}
chown ${id}:${id} ${home}
sed -i '/^${name}:/d; /^[^:]*:[^:]*:${id}:/d' /etc/passwd /etc/group
echo '${name}:x:${id}:${id}:${name}:${home}:/bin/bash' >>/etc/passwd
echo '${name}:x:${id}:' >>/etc/group
command -v bash >/dev/null || { echo 'there is no bash' >&2; exit 1; }
: >${marker}
`;
  const made = await sandbox.exec(script, { timeoutMs: 60_000, user: 'root' });
  if (!made.ok) return made.stderr.text;
  const asked = await sandbox.exec('id -un', { timeoutMs: 60_000 });
  const found = asked.stdout.text.trim();
  return found === name ? undefined : `its processes are of ${found || asked.stderr.text}`;
}

/** Variables of this process that git may see: where programs, proxies and certificates are. */
const passedOn = [
  'PATH',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
  // The only source of keys for ssh; harmless to https.
  'SSH_AUTH_SOCK',
];

/** Configuration of every git command: nothing in a repository or on the host starts a program or widens access. */
const settings: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.symlinks', 'true'],
  ['core.autocrlf', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  // A reflog would hold the name of this host and the URL.
  ['core.logAllRefUpdates', 'false'],
  ['credential.helper', ''],
  ['fetch.recurseSubmodules', 'false'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // A redirect could carry the credential to another host.
  ['http.followRedirects', 'false'],
  ['fetch.fsckObjects', 'true'],
  // Known harmless in old, real repositories.
  ['fetch.fsck.zeroPaddedFilemode', 'warn'],
  ['fetch.fsck.badTimezone', 'warn'],
  ['fetch.fsck.missingSpaceBeforeDate', 'warn'],
];

/** What git sends to one server to prove who asks. */
export interface GitCredential {
  /** Scheme, host and port that it is for. */
  readonly origin: string;
  /** `user:password`, or a token. */
  readonly value: string;
}

/**
 * The whole environment of a git command. The credential is in it as configuration that holds for one
 * origin; so it is in no argument and in no file.
 */
export function gitEnvironment(
  home: string,
  credential: GitCredential | undefined,
): Record<string, string> {
  const header: readonly (readonly [string, string])[] =
    credential === undefined
      ? []
      : [
          [
            `http.${credential.origin}/.extraHeader`,
            `Authorization: Basic ${basic(credential.value)}`,
          ],
        ];
  const configuration = [...settings, ...header];
  return {
    ...Object.fromEntries(
      passedOn.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'https:ssh',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_COMMITTER_NAME: 'gantry',
    GIT_COMMITTER_EMAIL: 'gantry@invalid',
    // The user's own ssh configuration could name a program to run; keys come from the agent.
    GIT_SSH_COMMAND: 'ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes',
    GIT_SSH_VARIANT: 'ssh',
    GIT_CONFIG_COUNT: String(configuration.length),
    ...Object.fromEntries(
      configuration.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** What of a credential is secret by itself. */
export function passwordOf(value: string): string {
  return value.slice(value.indexOf(':') + 1);
}

/** A bare token goes as the password of a user whose name servers ignore. */
function basic(value: string): string {
  const pair = value.includes(':') ? value : `x-access-token:${value}`;
  return Buffer.from(pair).toString('base64');
}

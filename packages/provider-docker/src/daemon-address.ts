import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import type { DockerOptions as ModemOptions } from 'dockerode';

/** Where a daemon is, and whether it shares this machine's file system. */
export interface DaemonAddress {
  readonly url: string;
  /** Who said so, for messages. */
  readonly source: string;
  readonly isLocal: boolean;
  readonly connection: ModemOptions;
}

const standardSocket = '/var/run/docker.sock';

/** The daemon that the docker command would talk to, unless the options name another. */
export function daemonAddress(
  host: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): DaemonAddress {
  if (host !== undefined) return addressOf(host, 'the option host', tlsFromEnvironment(env));
  const fromEnv = env['DOCKER_HOST'];
  if (fromEnv) return addressOf(fromEnv, 'DOCKER_HOST', tlsFromEnvironment(env));
  const directory = env['DOCKER_CONFIG'] ?? path.join(homedir(), '.docker');
  const context = env['DOCKER_CONTEXT'] ?? currentContext(directory);
  if (context && context !== 'default') return contextAddress(directory, context);
  const runtime = env['XDG_RUNTIME_DIR'];
  const rootless = runtime === undefined ? undefined : path.join(runtime, 'docker.sock');
  const socket =
    !existsSync(standardSocket) && rootless !== undefined && existsSync(rootless)
      ? rootless
      : standardSocket;
  return addressOf(`unix://${socket}`, 'the default socket', {});
}

type Tls = Pick<ModemOptions, 'ca' | 'cert' | 'key'>;

function addressOf(text: string, source: string, tls: Tls): DaemonAddress {
  const refuse = (why: string): SandboxError =>
    new SandboxError('invalid-argument', `${source} ${JSON.stringify(text)} ${why}`, {
      provider: 'docker',
    });
  if (text.startsWith('unix://') || text.startsWith('npipe://')) {
    const socketPath = text.replace(/^(?:unix|npipe):\/\//, '');
    if (socketPath === '') throw refuse('names no socket');
    return { url: text, source, isLocal: true, connection: { socketPath } };
  }
  const url = URL.parse(text);
  if (!url || !['tcp:', 'http:', 'https:', 'ssh:'].includes(url.protocol)) {
    throw refuse('is none of unix://PATH, npipe://PATH, tcp://HOST:PORT and ssh://USER@HOST');
  }
  const shown = `${url.protocol}//${url.host}`; // A password in the address stays out of messages.
  if (url.protocol === 'ssh:') {
    const agent = process.env['SSH_AUTH_SOCK'];
    const login = {
      host: url.hostname,
      port: Number(url.port || 22),
      username: decodeURIComponent(url.username),
    };
    const sshOptions = agent === undefined ? {} : { agentForward: false, agent };
    return {
      url: shown,
      source,
      isLocal: false,
      connection: { protocol: 'ssh', ...login, sshOptions },
    };
  }
  const secure = url.protocol === 'https:' || tls.ca !== undefined;
  const protocol = secure ? 'https' : 'http';
  const port = Number(url.port || (secure ? 2376 : 2375));
  const connection: ModemOptions = { protocol, host: url.hostname, port, ...tls };
  return { url: shown, source, isLocal: false, connection };
}

function tlsFromEnvironment(env: NodeJS.ProcessEnv): Tls {
  const directory = env['DOCKER_CERT_PATH'];
  return env['DOCKER_TLS_VERIFY'] && directory ? tlsFrom(directory) : {};
}

function tlsFrom(directory: string): Tls {
  const read = (name: string): Buffer | undefined => {
    const file = path.join(directory, name);
    return existsSync(file) ? readFileSync(file) : undefined;
  };
  const [ca, cert, key] = [read('ca.pem'), read('cert.pem'), read('key.pem')];
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function currentContext(directory: string): string | undefined {
  const file = path.join(directory, 'config.json');
  if (!existsSync(file)) return undefined;
  const config: unknown = parse(file);
  if (typeof config !== 'object' || config === null || !('currentContext' in config))
    return undefined;
  return typeof config.currentContext === 'string' ? config.currentContext : undefined;
}

/** Contexts are kept by the digest of their names. */
function contextAddress(directory: string, name: string): DaemonAddress {
  const digest = createHash('sha256').update(name).digest('hex');
  const file = path.join(directory, 'contexts', 'meta', digest, 'meta.json');
  const host = existsSync(file) ? hostOf(parse(file)) : undefined;
  if (host === undefined) {
    const message = `the docker context ${JSON.stringify(name)} has no docker endpoint in ${directory}; see \`docker context ls\``;
    throw new SandboxError('failed-precondition', message, { provider: 'docker' });
  }
  const tls = tlsFrom(path.join(directory, 'contexts', 'tls', digest, 'docker'));
  return addressOf(host, `the docker context ${name}`, tls);
}

function hostOf(meta: unknown): string | undefined {
  const field = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).find(([name]) => name === key)?.[1]
      : undefined;
  const host = field(field(field(meta, 'Endpoints'), 'docker'), 'Host');
  return typeof host === 'string' ? host : undefined;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new SandboxError('failed-precondition', `${file} cannot be read as JSON`, { cause });
  }
}

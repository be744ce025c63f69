import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NetworkPolicy, NetworkRecorder } from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';
import { onCapability, onCreate } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { renamed } from './renamed.ts';
import { serve, throughNaiveProxy } from './naive-proxy.ts';

type AllowList = NetworkPolicy & { readonly mode: 'allow-list' };

/** A wrapper under which an allow-list is another one than was asked for. */
function listing(change: (policy: AllowList) => AllowList): DriverWrapper {
  const changed = (policy: NetworkPolicy): NetworkPolicy =>
    policy.mode === 'allow-list' ? change(policy) : policy;
  return (driver) =>
    onCapability('network', (network) =>
      network.set
        ? { set: (handle, policy, call) => network.set?.(handle, changed(policy), call) ?? never() }
        : {},
    )(onCreate((request) => ({ ...request, network: changed(request.network) }))(driver));
}

const never = (): Promise<never> => Promise.reject(new Error('there is no set'));
const withMore = (...more: readonly string[]): DriverWrapper =>
  listing((policy) => ({ ...policy, allow: [...policy.allow, ...more] }));

/** A wrapper under which what is recorded goes through somebody else's hands. */
function onRecorder(change: (recorder: NetworkRecorder) => NetworkRecorder): DriverWrapper {
  return onCapability('network', (network) =>
    network.record
      ? { record: (handle, recorder) => network.record?.(handle, change(recorder)) }
      : {},
  );
}

function open(client: Duplex): void {
  const facts = { open: true, policy: { mode: 'open' }, secret: async () => undefined } as const;
  void serve(client, facts).catch(() => client.destroy());
}

function forward(client: Duplex, port: number): void {
  const host = connect({ host: '127.0.0.1', port });
  client.on('error', () => host.destroy());
  host.on('error', () => client.destroy());
  client.pipe(host).pipe(client);
}

async function sendDatagram(port: number): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send('out', port, '127.0.0.1', resolve));
  socket.close();
}

export const egressMutants: readonly Mutant[] = [
  {
    name: 'blocks-ignored',
    breaks: 'does not know blocks of addresses',
    kills: [
      'network/allowed-block',
      'network/allowed-http',
      'network/allowed-tls',
      'network/allowed-socks',
      'network/allowed-websocket',
    ],
    wrap: listing((policy) => ({
      ...policy,
      allow: policy.allow.filter((entry) => !entry.includes('/')),
    })),
  },
  {
    name: 'wildcard-by-ending',
    breaks: 'takes a wildcard for every name that ends alike',
    kills: ['network/wildcard', 'network/denied-host'],
    wrap: listing((policy) => ({
      ...policy,
      allow: policy.allow.flatMap((entry) => {
        const wide = /^\*\.[^.]+(\..*)$/.exec(entry)?.[1];
        return wide === undefined ? [entry] : [entry, `*${wide}`];
      }),
    })),
  },
  {
    name: 'loopback-listed',
    breaks: 'takes the loopback for a network like any other',
    kills: ['network/address-forms', 'network/address-mapped', 'network/rebound'],
    wrap: withMore('127.0.0.0/8', '::1/128', '0.0.0.0/32', '::/128'),
  },
  {
    name: 'requests-ignored',
    breaks: 'lets every request to a host through',
    kills: ['network/requests-methods', 'network/requests-paths', 'network/requests-opaque'],
    wrap: listing(({ requests = [], ...policy }) => ({
      ...policy,
      allow: [...policy.allow, ...requests.map(({ host }) => host)],
    })),
  },
  {
    name: 'policies-merged',
    breaks: 'lets every sandbox out by the policies of all of them',
    kills: ['network/apart'],
    wrap: (driver) => {
      const seen: string[] = [];
      return listing((policy) => {
        seen.push(...policy.allow);
        return { ...policy, allow: [...new Set(seen)] };
      })(driver);
    },
  },
  {
    name: 'policy-not-live',
    breaks: 'takes a new policy and goes on by the old one',
    kills: ['network/live', 'network/live-late', 'network/live-cuts'],
    wrap: onCapability('network', () => ({ set: async () => undefined })),
  },
  {
    name: 'proxy-lets-all-through',
    breaks: 'lets everything out that comes to the proxy',
    kills: [
      'network/denied-host',
      'network/denied-port',
      'network/denied-metadata',
      'network/address-forms',
      'network/address-in-name',
      'network/names-kept',
      'network/redirect',
      'network/host-header',
      'network/server-name',
      'network/tunnelled-host',
      'network/record-allowed',
      'network/record-denied',
      'network/record-of-run',
    ],
    wrap: throughNaiveProxy({ open: true }),
  },
  {
    name: 'proxy-trusts-host',
    breaks: 'judges the URL and goes to the host of the header',
    kills: ['network/host-header'],
    wrap: throughNaiveProxy({ trustsHost: true }),
  },
  {
    name: 'proxy-resolves-twice',
    breaks: 'resolves a name to judge it, and again to connect',
    kills: ['network/resolved-once'],
    wrap: throughNaiveProxy({ resolvesTwice: true }),
  },
  {
    name: 'proxy-forwards-bytes',
    breaks: 'reads the first request of a connection and forwards the rest',
    kills: ['network/smuggled-length', 'network/smuggled-line'],
    wrap: throughNaiveProxy({}),
  },
  {
    name: 'network-beside-the-proxy',
    breaks: 'gives a sandbox a way out beside its proxy',
    kills: ['network/denied-direct', 'network/denied-udp', 'network/denied-raw'],
    wrap: (driver) => ({
      ...driver,
      async spawn(handle, command, call) {
        const port = command.argv.map(Number).find((number) => number > 1024);
        // The host's services at the sandbox's own loopback, and what is sent there sent on.
        if (port !== undefined && port !== 3128) {
          const door = (client: Duplex): void => forward(client, port);
          await driver.network?.intercept?.(handle, { port }, door, call).catch(() => undefined);
          if (command.argv.includes('probe')) await sendDatagram(port);
        }
        const [shell, flag = '', script = '', ...more] = command.argv;
        if (!script.includes('pinged:')) return driver.spawn(handle, command, call);
        const pinging = script.replace('has ping;', 'true;').replaceAll('timeout 3 ping', 'true');
        const argv = [shell, flag, pinging, ...more] as const;
        return driver.spawn(handle, { ...command, argv }, call);
      },
    }),
  },
  {
    name: 'record-drops-denials',
    breaks: 'records what was let out only',
    kills: ['network/record-denied', 'network/record-of-run'],
    wrap: onRecorder(
      (recorder) => (events) =>
        recorder(events.filter((event) => !('allowed' in event && event.allowed === false))),
    ),
  },
  {
    name: 'record-loses-refused',
    breaks: 'does not give a recorder again what it did not take',
    kills: ['network/record-first'],
    wrap: onRecorder((recorder) => (events) => recorder(events).catch(() => undefined)),
  },
  {
    name: 'ref-of-this-process',
    breaks: 'cannot let a sandbox out that another process has made',
    kills: ['network/other-process'],
    wrap: renamed(({ id }) => `mine-${id}`),
  },
  {
    name: 'port-open-again',
    breaks: 'leaves a way out where the proxy of a process that is gone was',
    kills: ['network/process-gone'],
    wrap: (driver) => ({
      ...driver,
      async connect(ref, call) {
        const handle = await driver.connect(ref, call);
        await driver.network?.intercept?.(handle, { port: 3128 }, open, call);
        return handle;
      },
    }),
  },
];

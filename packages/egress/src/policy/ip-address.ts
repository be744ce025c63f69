import { BlockList, isIP, SocketAddress } from 'node:net';

/** An address in its one canonical text; an IPv4 address that is dressed as IPv6 is the IPv4 address. */
export interface IpAddress {
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
}

/** A block of addresses. */
export interface AddressBlock {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

/**
 * Everything that is not globally reachable by IANA's special-purpose address registries (RFC 6890 and its successors), multicast,
 * and the ranges in which an IPv6 address stands for an IPv4 one, which a translator on the way could turn into any of the others.
 */
const special: readonly AddressBlock[] = [
  ...[
    '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
    '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
    // The metadata service and the platform's agent of two clouds, on addresses that are global by number.
    '168.63.129.16/32 192.0.0.192/32',
    '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16',
    '::ffff:0:0:0/96 fc00::/7 fe80::/10 fec0::/10 ff00::/8',
    // Nothing of these is given out: the internet's addresses are those of 2000::/3. A list takes all of ::/8 for IPv4's, too.
    '100::/8 200::/7 400::/6 800::/5 1000::/4 4000::/2 8000::/1',
  ]
    .flatMap((line) => line.split(' '))
    .map((text) => {
      const [address = '', prefix] = text.split('/');
      const family = isIP(address) === 4 ? ('ipv4' as const) : ('ipv6' as const);
      return { address, family, prefix: Number(prefix) };
    }),
];

const specialBlocks = blockList(special);
const mapped = blockList([{ address: '::ffff:0:0', family: 'ipv6', prefix: 96 }]);

/** A literal address, or `undefined` for any other text. Zones (`%eth0`) are no address here. */
export function readAddress(text: string): IpAddress | undefined {
  const family = text.includes('%') ? 0 : isIP(text);
  if (family === 4) return { text, family: 'ipv4' };
  if (family !== 6) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return mapped.check(address, 'ipv6') ? unmapped(address) : { text: address, family: 'ipv6' };
}

/** Whether an address is private, link-local, loopback or otherwise not of the public internet. */
export function isSpecial({ text, family }: IpAddress): boolean {
  return specialBlocks.check(text, family);
}

/**
 * Whether a block names special addresses as such: it lies within one of the special ranges. A block that merely spans them, such
 * as `0.0.0.0/0`, does not.
 */
export function namesSpecial(block: AddressBlock): boolean {
  return special.some(
    (range) =>
      range.family === block.family &&
      range.prefix <= block.prefix &&
      blockList([range]).check(block.address, block.family),
  );
}

/** A list that tells whether an address is in one of these blocks. */
export function blockList(blocks: readonly AddressBlock[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of blocks) list.addSubnet(address, prefix, family);
  return list;
}

function unmapped(address: string): IpAddress {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (dotted !== undefined) return { text: dotted, family: 'ipv4' };
  const [high = '0', low = '0'] = address.split(':').slice(-2);
  const number = (Number.parseInt(high || '0', 16) << 16) | Number.parseInt(low || '0', 16);
  const bytes = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255);
  return { text: bytes.join('.'), family: 'ipv4' };
}

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate with its key, as PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

// DER, as far as a certificate needs it (RFC 5280, 4.1).
const ecdsaWithSha256 = sequence(objectId([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
const commonName = objectId([0x55, 0x04, 0x03]);
const basicConstraints = objectId([0x55, 0x1d, 0x13]);
const alternativeNames = objectId([0x55, 0x1d, 0x11]);
const yes = element(0x01, Buffer.from([0xff]));

/** A new authority that certifies hosts of the suite. */
export function createAuthority(name: string): TestCertificate {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const extensions = [sequence(basicConstraints, yes, octets(sequence(yes)))];
  return certify({ subject: name, issuer: name, pair, signer: pair.privateKey, extensions });
}

/** A certificate for names, which an authority has signed. */
export function createCertificate(
  names: readonly string[],
  { key: authorityKey, name: issuer }: { readonly key: KeyObject; readonly name: string },
): TestCertificate {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const entries = names.map((name) => element(0x82, Buffer.from(name)));
  const extensions = [sequence(alternativeNames, octets(sequence(...entries)))];
  return certify({ subject: names[0] ?? '', issuer, pair, signer: authorityKey, extensions });
}

function certify({
  subject,
  issuer,
  pair: { publicKey, privateKey },
  signer,
  extensions,
}: {
  readonly subject: string;
  readonly issuer: string;
  readonly pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}): TestCertificate {
  const day = 86_400_000;
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(12)])),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(Date.now() - day), time(Date.now() + 30 * day)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  );
  const signature = element(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, signer)]));
  const text = sequence(body, ecdsaWithSha256, signature).toString('base64');
  const lines = text.replaceAll(/.{64}(?=.)/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function nameOf(text: string): Buffer {
  return sequence(element(0x31, sequence(commonName, element(0x0c, Buffer.from(text)))));
}

function time(at: number): Buffer {
  const text = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return element(0x18, Buffer.from(text));
}

function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes);
}

function octets(bytes: Buffer): Buffer {
  return element(0x04, bytes);
}

function objectId(bytes: readonly number[]): Buffer {
  return element(0x06, Buffer.from(bytes));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

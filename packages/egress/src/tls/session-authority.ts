import { randomBytes, webcrypto } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type * as x509 from '@peculiar/x509';
import type { Host } from '../policy/host-name.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;
/** Clocks differ. */
const earlierMs = 60 * 60 * 1000;
const lifetimeMs = 30 * dayMs;
const mostKept = 512;

/**
 * The certificate authority of one session. It certifies hosts to programs of one sandbox, which alone trusts it. Its key is
 * never written anywhere.
 */
export class SessionAuthority {
  readonly certificate: string;
  readonly #library: typeof x509;
  readonly #issuer: string;
  readonly #signingKey: webcrypto.CryptoKey;
  readonly #hostKeys: webcrypto.CryptoKeyPair;
  readonly #hostKey: string;
  readonly #contexts = new Map<string, Promise<SecureContext>>();

  private constructor(parts: {
    library: typeof x509;
    certificate: string;
    issuer: string;
    signingKey: webcrypto.CryptoKey;
    hostKeys: webcrypto.CryptoKeyPair;
    hostKey: string;
  }) {
    this.certificate = parts.certificate;
    this.#library = parts.library;
    this.#issuer = parts.issuer;
    this.#signingKey = parts.signingKey;
    this.#hostKeys = parts.hostKeys;
    this.#hostKey = parts.hostKey;
  }

  /** A new authority with new keys. */
  static async create(): Promise<SessionAuthority> {
    const library = await certificateLibrary();
    const [keys, hostKeys] = await Promise.all([newKeys(), newKeys()]);
    const { BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags } = library;
    const name = `CN=Gantry egress ${randomBytes(6).toString('hex')}`;
    const certificate = await library.X509CertificateGenerator.createSelfSigned({
      ...validity(),
      name,
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const exported = await webcrypto.subtle.exportKey('pkcs8', hostKeys.privateKey);
    return new SessionAuthority({
      library,
      certificate: `${certificate.toString('pem').trim()}\n`,
      issuer: certificate.subject,
      signingKey: keys.privateKey,
      hostKeys,
      hostKey: pem('PRIVATE KEY', exported),
    });
  }

  /** The authority after those that Node trusts. */
  get bundle(): string {
    return `${getCACertificates('default').join('\n')}\n${this.certificate}`;
  }

  /** What a server needs to be taken for this host. */
  async contextFor(host: Host): Promise<SecureContext> {
    const known = this.#contexts.get(host.text);
    if (known !== undefined) return known;
    if (this.#contexts.size >= mostKept) this.#contexts.clear();
    const made = this.#certify(host);
    this.#contexts.set(host.text, made);
    return made;
  }

  async #certify({ text, address }: Host): Promise<SecureContext> {
    const { ExtendedKeyUsageExtension, SubjectAlternativeNameExtension } = this.#library;
    const names = [
      { type: address === undefined ? ('dns' as const) : ('ip' as const), value: text },
    ];
    const certificate = await this.#library.X509CertificateGenerator.create({
      ...validity(),
      // A common name holds 64 characters at most; programs look at the alternative names alone.
      subject: `CN=${text.slice(0, 64)}`,
      issuer: this.#issuer,
      publicKey: this.#hostKeys.publicKey,
      signingKey: this.#signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension(names),
        new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      ],
    });
    return createSecureContext({
      key: this.#hostKey,
      cert: certificate.toString('pem'),
      minVersion: 'TLSv1.2',
    });
  }
}

/** Loads what writes certificates, once per process: it is only needed when a session opens. */
async function certificateLibrary(): Promise<typeof x509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return {
    // Positive, and of the same number of bytes always.
    serialNumber: `4${randomBytes(16).toString('hex').slice(1)}`,
    notBefore: new Date(now - earlierMs),
    notAfter: new Date(now + lifetimeMs),
  };
}

function pem(kind: string, bytes: ArrayBuffer): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ''].join('\n');
}

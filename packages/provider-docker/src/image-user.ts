import { type CreateRequest, SandboxError } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { dockerError, statusOf } from './errors.ts';
import { ownLabels } from './labels.ts';

/** Who a guest is when nobody says. */
export const defaultOwner = '1000:1000';

/** A user as the daemon takes it. A bare number means the group of the same number, never root's. */
export function execUser(user: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$/.test(user)) {
    throw new SandboxError(
      'invalid-argument',
      `${JSON.stringify(user)} is no user: give a name, UID or UID:GID`,
    );
  }
  return /^\d+$/.test(user) ? `${user}:${user}` : user;
}

/** `uid:gid` of a user, looked up in the image's own /etc/passwd where it is a name. */
export async function ownerOf(
  daemon: Dockerode,
  image: string,
  { user, privilege, root }: Pick<CreateRequest, 'user' | 'privilege' | 'root'>,
  signal: AbortSignal,
): Promise<string> {
  if (user === undefined) {
    // A root that can be changed is root's: without capabilities that is a user like another, who owns those files.
    return privilege === 'guest-root' || root === 'copy-on-write' ? '0:0' : defaultOwner;
  }
  const wanted = execUser(user);
  if (/^\d+:\d+$/.test(wanted)) return wanted;
  if (wanted === 'root') return '0:0';
  const [name = '', group] = wanted.split(':');
  const entry = (await passwd(daemon, image, signal))
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === name || fields[2] === name);
  const [uid, gid] = [entry?.[2], group ?? entry?.[3]];
  if (uid !== undefined && gid !== undefined && /^\d+$/.test(uid) && /^\d+$/.test(gid))
    return `${uid}:${gid}`;
  const message = `image ${image} has no user ${JSON.stringify(user)}; give UID:GID, or an image that has it`;
  throw new SandboxError('invalid-argument', message, { details: { reason: 'user' } });
}

async function passwd(daemon: Dockerode, image: string, signal: AbortSignal): Promise<string> {
  const labels = { [ownLabels.kind]: 'carrier' };
  const carrier = await daemon.createContainer({
    Image: image,
    Entrypoint: ['/nothing'],
    Cmd: [],
    Labels: labels,
  });
  try {
    const tar = await carrier.getArchive({ path: '/etc/passwd', abortSignal: signal });
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    const size = Number.parseInt(bytes.toString('latin1', 124, 135), 8);
    return bytes.toString('utf8', 512, 512 + size);
  } catch (error) {
    if (statusOf(error) === 404) return ''; // The image has no users but numbers.
    throw dockerError(error, `reading /etc/passwd of image ${image}`);
  } finally {
    await carrier.remove({ force: true });
  }
}

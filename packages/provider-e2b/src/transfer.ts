import { randomUUID } from 'node:crypto';
import type { FileTransfer } from '@gantry/core/driver';
import { fromVendor, withVendor } from './errors.ts';
import type { E2bHandle } from './handle.ts';

/** The vendor's file API, which has the rights of root and writes in place: for moving bytes only. */
export const transfer: FileTransfer<E2bHandle> = {
  async upload({ sandbox }, contents, { signal }) {
    const path = `/tmp/.gantry-${randomUUID()}`;
    try {
      await withVendor(() => sandbox.files.write(path, contents, { signal }));
      return path;
    } catch (error) {
      await withVendor(() => sandbox.files.remove(path)).catch(() => undefined); // What failed is told.
      throw error;
    }
  },
  download: ({ sandbox }, path, { signal }) =>
    withVendor(() => sandbox.files.read(path, { format: 'stream', signal })),
  broken: fromVendor,
};

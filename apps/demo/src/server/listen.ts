import type { Server } from 'node:http';

/** Listens on 127.0.0.1, at a free port for 0; returns the port. */
export async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (typeof address === 'object' && address) return address.port;
  throw new Error('the server listens at no port');
}

import Dockerode from 'dockerode';

/** The daemon and the image that benchmarks use: BENCH_DOCKER_SOCKET and BENCH_DOCKER_IMAGE choose others. */
export const socketPath: string = process.env['BENCH_DOCKER_SOCKET'] ?? '/var/run/docker.sock';
/** The image of plain containers, and of sandboxes. */
export const image: string = process.env['BENCH_DOCKER_IMAGE'] ?? 'debian:bookworm-slim';

const raw = new Dockerode({ socketPath });

/** An exec as the API offers it, to the end of its output and with its code. */
export async function apiExec(container: Dockerode.Container, command: string[]): Promise<void> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  stream.resume();
  await new Promise((resolve) => stream.once('end', resolve));
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${command.join(' ')} ended with ${ExitCode}`);
}

/** A container with no hardening, which does nothing. */
export async function rawContainer(of: string = image): Promise<Dockerode.Container> {
  const container = await raw.createContainer({
    Image: of,
    Entrypoint: ['/bin/sh', '-c', 'exec sleep 1000'],
    Cmd: [],
    HostConfig: { AutoRemove: true, Init: true, NetworkMode: 'none' },
  });
  await container.start();
  return container;
}

/** `docker commit` of a container as it runs; the image's id. */
export async function plainCommit(container: Dockerode.Container): Promise<string> {
  const answer: unknown = await container.commit({ pause: false });
  return (answer as { Id: string }).Id;
}

export async function removeImage(id: string): Promise<void> {
  await raw.getImage(id).remove({ force: true });
}

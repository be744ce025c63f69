/** How much of one image has arrived, as the daemon says it. */
export interface PullProgress {
  readonly image: string;
  /** The daemon's own word: `Downloading`, `Extracting`, `Pull complete`. */
  readonly status: string;
  /** Which layer it is about, where it is about one. */
  readonly layer?: string;
  readonly currentBytes?: number;
  readonly totalBytes?: number;
}

/** Which daemon makes the sandboxes, and of what. */
export interface DockerOptions {
  /**
   * The daemon: `unix:///path`, `tcp://host:port` or `ssh://user@host`. Default: `DOCKER_HOST`, else the docker
   * context of `DOCKER_CONTEXT` or of the docker configuration, else `/var/run/docker.sock`, else the rootless one.
   */
  readonly host?: string;
  /** Image of sandboxes that name none. Default `debian:bookworm-slim`. Without `/bin/sh`, commands are programs only. */
  readonly image?: string;
  /** Container runtime, as the daemon knows it. Default: the daemon's own. */
  readonly runtime?: string;
  /** Told while an image that the daemon lacks is pulled. */
  readonly onPull?: (progress: PullProgress) => void;
}

import type { DriverProcess } from '@gantry/core/driver';
import { onProcess, onSpawn, through, type ByteTransformer } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

const encoder = new TextEncoder();

/** A transformer that decodes and encodes again, as SDKs with string outputs do. */
function viaText(): ByteTransformer {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    transform: (chunk, controller) =>
      controller.enqueue(encoder.encode(decoder.decode(chunk, { stream: true }))),
    flush: (controller) => controller.enqueue(encoder.encode(decoder.decode())),
  };
}

/** A transformer that lets so many bytes pass and drops the rest. */
function cutAt(limit: number): ByteTransformer {
  let left = limit;
  return {
    transform(chunk, controller) {
      if (left > 0) controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
    },
  };
}

function merge(
  one: ReadableStream<Uint8Array>,
  two: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      const pump = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
        for await (const chunk of stream) controller.enqueue(chunk);
      };
      await Promise.allSettled([pump(one), pump(two)]);
      controller.close();
    },
  });
}

/** A writer that keeps everything until the end. */
function heldBack(stdin: WritableStream<Uint8Array>): WritableStream<Uint8Array> {
  const writer = stdin.getWriter();
  const kept: Uint8Array[] = [];
  return new WritableStream({
    write: (chunk) => void kept.push(chunk),
    async close() {
      await writer.write(Buffer.concat(kept));
      await writer.close();
    },
  });
}

export const streamMutants: readonly Mutant[] = [
  {
    name: 'output-as-text',
    breaks: 'decodes output as UTF-8',
    kills: ['core/io-bytes', 'core/files-any-bytes'],
    wrap: (driver) => {
      const { files: _native, ...rest } = driver;
      return onProcess(({ stdout, stderr }) => ({
        stdout: through(stdout, viaText()),
        stderr: through(stderr, viaText()),
      }))(rest);
    },
  },
  {
    name: 'input-as-text',
    breaks: 'decodes input as UTF-8',
    kills: ['core/io-bytes-input'],
    wrap: onProcess(({ stdin }) => {
      if (!stdin) return {};
      const { readable, writable } = new TransformStream(viaText());
      // A process that ends early fails the pipe; the writer then learns it from its own stream.
      void readable.pipeTo(stdin).catch(() => undefined);
      return { stdin: writable };
    }),
  },
  {
    name: 'output-cut',
    breaks: 'cuts output at 64 KiB',
    kills: ['core/io-large', 'core/io-no-deadlock'],
    wrap: onProcess(({ stdout, stderr }) => ({
      stdout: through(stdout, cutAt(65_536)),
      stderr: through(stderr, cutAt(65_536)),
    })),
  },
  {
    name: 'files-cut',
    breaks: 'cuts what is read of a file at 64 KiB',
    kills: ['core/files-large'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        files: (files) => ({
          readBytes: async (path, options) =>
            (await files.readBytes(path, options)).subarray(0, 65_536),
        }),
      }),
  },
  {
    name: 'stderr-merged',
    breaks: 'merges stderr into stdout',
    kills: ['core/io-separate', 'core/io-live'],
    wrap: onProcess(({ stdout, stderr }) => ({
      stdout: merge(stdout, stderr),
      stderr: ReadableStream.from<Uint8Array>([]),
    })),
  },
  {
    name: 'stderr-empty',
    breaks: 'loses stderr',
    kills: ['core/io-separate', 'core/concurrent-exec'],
    wrap: onProcess(({ stderr }) => ({ stderr: through(stderr, { transform: () => undefined }) })),
  },
  {
    name: 'output-hoarded',
    breaks: 'reads output into memory whether it is wanted or not',
    kills: ['core/io-backpressure'],
    wrap: onProcess(({ stdout }) => ({
      stdout: through(
        stdout,
        { transform: (chunk, controller) => controller.enqueue(chunk) },
        true,
      ),
    })),
  },
  {
    name: 'output-unlimited',
    breaks: 'ignores maxOutputBytes',
    kills: ['core/io-limit'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, { maxOutputBytes: _ignored, ...options } = {}) =>
            sandbox.exec(line, options),
        }),
      }),
  },
  {
    name: 'input-invented',
    breaks: 'gives a command without input an empty line',
    kills: ['core/io-stdin-eof'],
    wrap: onSpawn(async (start, command) => {
      if (command.stdin !== 'none') return start(command);
      const { stdin, ...process } = await start({ ...command, stdin: 'stream' });
      const writer = stdin?.getWriter();
      // The process may have ended already; then nothing was invented.
      void writer
        ?.write(encoder.encode('\n'))
        .then(() => writer.close())
        .catch(() => undefined);
      return { ...process, kill: (signal) => process.kill(signal) };
    }),
  },
  {
    name: 'input-held-back',
    breaks: 'sends input only when all of it is there',
    kills: ['core/io-stdin-stream'],
    wrap: onProcess(({ stdin }) => (stdin ? { stdin: heldBack(stdin) } : {})),
  },
  {
    name: 'input-must-be-read',
    breaks: 'calls it an error when a process ends before it has read its input',
    kills: ['core/io-stdin-early'],
    wrap: onProcess(({ stdin, exit }) => {
      if (!stdin) return {};
      const writer = stdin.getWriter();
      let closed = false;
      const watched = new WritableStream<Uint8Array>({
        write: (chunk) => writer.write(chunk),
        async close() {
          closed = true;
          await writer.close();
        },
      });
      return {
        stdin: watched,
        exit: exit.then((status) => {
          if (!closed) throw Object.assign(new Error('EPIPE'), { code: 'EPIPE' });
          return status;
        }),
      };
    }),
  },
  {
    name: 'exit-after-outputs',
    breaks: 'tells the exit only when every holder of the outputs has let go',
    kills: ['core/io-lingering'],
    wrap: onProcess(({ stdout, exit }) => {
      let end: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      return {
        stdout: through(stdout, { flush: () => end() }),
        exit: exit.then(async (status) => (await ended, status)),
      };
    }),
  },
  {
    name: 'output-at-the-end',
    breaks: 'delivers output when the process has ended',
    kills: ['core/io-live'],
    wrap: onProcess(({ stdout, stderr, exit }): Partial<DriverProcess> => {
      const late = (stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
        const kept: Uint8Array[] = [];
        return through(stream, {
          transform: (chunk) => void kept.push(chunk),
          flush: (controller) => controller.enqueue(Buffer.concat(kept)),
        });
      };
      return { stdout: late(stdout), stderr: late(stderr), exit };
    }),
  },
];

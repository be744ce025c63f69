import type { FileType } from '../../contract/file-types.ts';
import type { BytePath } from '../../manifest/byte-path.ts';

/** What a sandbox says of one entry of its workspace. Most are only compared, so details are read when asked for. */
export interface SurveyedEntry {
  readonly path: BytePath;
  readonly type: FileType;
  /** Equal for two looks at an entry that did not change in between. */
  readonly state: string;
  /** When the inode last changed, in seconds; what only the kernel sets. */
  readonly changed: number;
  /** Whether it changed so shortly before the look that it may change again without a trace. */
  racy: boolean;
  readonly details: () => SurveyedDetails;
}

/** The rest of what is known of an entry. */
interface SurveyedDetails {
  readonly mode: number;
  readonly size: number;
  readonly modifiedNs: bigint;
  /** Equal for two names of one file. Present for files with several names. */
  readonly identity?: string;
}

const letters: Readonly<Record<string, FileType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  c: 'character-device',
  b: 'block-device',
};

/** File type by the format bits of st_mode (inode(7)). */
const formats: Readonly<Record<number, FileType>> = {
  0o01: 'fifo',
  0o02: 'character-device',
  0o04: 'directory',
  0o06: 'block-device',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};

const gnuState = /^\w [0-7]{1,6} \d{1,15} \d+ \d+:\d+ -?\d{1,15}(?:\.\d+)? -?\d{1,15}(?:\.\d+)?$/;
const time = String.raw`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?: [+-]\d{4})?`;
const plainRecord = new RegExp(
  String.raw`^([0-9a-f]{1,8})\|(\d{1,15})\|(\d+)\|(\d+:\d+)\|${time}\|${time}\|`,
);

/** One item of `find -printf '%y %m %s %n %D:%i %T@ %C@ %p'`; `undefined` when it is none. */
export function gnuEntry(item: string): SurveyedEntry | undefined {
  let end = -1;
  let last = -1;
  for (let field = 0; field < 7; field += 1) {
    last = end;
    end = item.indexOf(' ', end + 1);
    if (end === -1) return undefined;
  }
  const state = item.slice(0, end);
  const type = letters[item[0] ?? ''];
  if (type === undefined || !item.startsWith('./', end + 1) || !gnuState.test(state)) {
    return undefined;
  }
  return {
    path: item.slice(end + 3),
    type,
    state,
    changed: Number(item.slice(last + 1, end)),
    racy: false,
    details() {
      const [, mode = '', size = '', links = '', inode = '', modified = ''] = state.split(' ');
      return {
        mode: Number.parseInt(mode, 8) & 0o7777,
        size: Number(size),
        modifiedNs: nanoseconds(modified),
        ...identity(type, links, inode),
      };
    },
  };
}

/**
 * The lines of `stat -c '%f|%s|%h|%d:%i|%y|%z|%n'`, in the order of the names; a name without its line has gone since the
 * directory was read. `undefined` when something is no such line.
 */
export function plainEntries(names: readonly string[], lines: string): SurveyedEntry[] | undefined {
  const entries: SurveyedEntry[] = [];
  let offset = 0;
  for (const name of names) {
    const match = plainRecord.exec(lines.slice(offset, offset + 200));
    const end = offset + (match?.[0].length ?? 0) + name.length;
    if (!match || lines[end] !== '\n' || lines.slice(end - name.length, end) !== name) continue;
    offset = end + 1;
    const [head, bits = '', size = '', links = '', inode = '', modified = '', changed = ''] = match;
    const type = formats[Number.parseInt(bits, 16) >> 12];
    if (type === undefined || !name.startsWith('./')) return undefined;
    entries.push({
      path: name.slice(2),
      type,
      state: head,
      changed: timeSeconds(changed),
      racy: false,
      details: () => ({
        mode: Number.parseInt(bits, 16) & 0o7777,
        size: Number(size),
        modifiedNs: dateNanoseconds(modified),
        ...identity(type, links, inode),
      }),
    });
  }
  return offset === lines.length ? entries : undefined;
}

/** Seconds since the Unix epoch of a number or a date; NaN for what is neither. */
export function timeSeconds(text: string): number {
  if (/^-?\d{1,15}(?:\.\d+)?$/.test(text)) return Number(text);
  const [date = '', clock = ''] = text.split(' ');
  const [seconds = '', fraction = ''] = clock.split('.');
  return Date.parse(`${date}T${seconds}Z`) / 1000 + Number(`0.${fraction || '0'}`);
}

function identity(type: FileType, links: string, inode: string): { identity?: string } {
  return type === 'file' && links !== '1' ? { identity: inode } : {};
}

/** Of nanoseconds, nine digits count. */
function nanoseconds(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
  return text.startsWith('-') ? -value : value;
}

function dateNanoseconds(text: string): bigint {
  const [date = '', clock = ''] = text.split(' ');
  const [seconds = '', fraction = ''] = clock.split('.');
  const milliseconds = Date.parse(`${date}T${seconds}Z`);
  // A date that is none, such as the 31st of February, is the guest's invention.
  if (Number.isNaN(milliseconds)) return 0n;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

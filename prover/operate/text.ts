/** How answers are written to the terminal, and times read from it. */
import { ProverError } from '../errors.ts';

export interface Output {
  /** The service. */
  readonly to: string;
  /** Print the answer as JSON. */
  readonly json: boolean;
}

/** A time on the command line that is none. */
export class TimeError extends ProverError {
  constructor(text: string) {
    super(`"${text}" is no time`, 'Give now, a date such as 2027-01-31 (its start, UTC), or 2027-01-31T12:00:00Z.');
  }
}

const FORMS = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/;

/** Seconds since 1970. @throws TimeError */
export function parseTime(text: string): number {
  if (text === 'now') return Math.floor(Date.now() / 1000);
  const milliseconds = FORMS.test(text) ? Date.parse(text) : NaN;
  // 2027-02-31 would be taken for a day in March.
  if (!(milliseconds >= 0) || new Date(milliseconds).toISOString().slice(0, 10) !== text.slice(0, 10))
    throw new TimeError(text);
  return milliseconds / 1000;
}

/** A time as people read it, or a dash. @param seconds since 1970 */
export const timeText = (seconds: number | null): string =>
  seconds === null ? '-' : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/**
 * Text that a terminal shows as it is: names come from whoever made them, and may hold what moves a terminal's cursor.
 */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');

/** Lines of columns of equal width. @param rows the first is the heading */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(plain));
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Writes an answer. */
export function tell(answer: unknown, text: string, { json }: Pick<Output, 'json'>): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : text);
}

/** `./zklora operate index rebuild` and `check`: the whole index, page by page. */
import { SingleBar } from 'cli-progress';

import { ProverError } from '../errors.ts';
import { askAsOperator } from './access.ts';
import { table, tell, type Output } from './text.ts';

type Mode = 'mend' | 'check';

interface Options extends Output {
  /** Where an earlier call broke off. */
  readonly cursor?: string;
}

interface Difference {
  readonly key: string;
  readonly what: string;
}

/** Milliseconds that a page may take. */
const PATIENCE = 120_000;
/** Differences that are printed; `--json` has all. */
const SHOWN = 50;

/** As one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Pages before this one are done. */
export class IndexBrokenOffError extends ProverError {
  /** Where to go on; null: at the start. */
  readonly cursor: string | null;

  constructor(
    command: string,
    to: string,
    cursor: string | null,
    looked: number,
    reason: string,
    options?: ErrorOptions,
  ) {
    const from = cursor === null ? '' : ` --cursor ${quoted(cursor)}`;
    const next = `Go on where it broke off: ./zklora operate index ${command} --to ${to}${from}`;
    super(`the ${command} broke off after ${looked} objects: ${reason}`, next, options);
    this.cursor = cursor;
  }
}

/** A bar without an end, since nobody knows how many objects there are; none where nobody watches. */
function progress(): { at(looked: number, written: number, differences: number): void; stop(): void } {
  if (!process.stderr.isTTY) return { at: () => {}, stop: () => {} };
  const format = '{value} objects looked at, {written} rows written, {differences} differences';
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  bar.start(0, 0, { written: 0, differences: 0 });
  return { at: (looked, written, differences) => bar.update(looked, { written, differences }), stop: () => bar.stop() };
}

/**
 * Walks through all pages. An interrupt ends it behind the present page.
 * @returns the exit status: 1 where `check` found differences
 * @throws IndexBrokenOffError, which tells how to go on
 */
export async function indexPages(mode: Mode, { cursor: begin, ...output }: Options): Promise<number> {
  const command = mode === 'mend' ? 'rebuild' : 'check';
  let [looked, written, interrupted] = [0, 0, false];
  let cursor = begin ?? null;
  const differences: Difference[] = [];
  const interrupt = (): void => void (interrupted = true);
  const bar = progress();
  process.on('SIGINT', interrupt);
  try {
    do {
      const query = { mode, ...(cursor !== null && { cursor }) };
      const page = await askAsOperator(output.to, 'rebuildIndex', { query }, PATIENCE);
      looked += page.looked;
      written += page.written;
      differences.push(...page.differences);
      cursor = page.cursor;
      bar.at(looked, written, differences.length);
      if (interrupted && cursor !== null)
        throw new IndexBrokenOffError(command, output.to, cursor, looked, 'interrupted');
    } while (cursor !== null);
  } catch (cause) {
    // Before the first page there is nothing to go on from.
    if (looked === 0 || !(cause instanceof ProverError) || cause instanceof IndexBrokenOffError) throw cause;
    throw new IndexBrokenOffError(command, output.to, cursor, looked, cause.message, { cause });
  } finally {
    process.off('SIGINT', interrupt);
    bar.stop();
  }
  const shown = differences.slice(0, SHOWN).map(({ key, what }) => [key, what]);
  const more = differences.length > SHOWN ? `and ${differences.length - SHOWN} more: --json lists all\n` : '';
  const sum = `${looked} objects looked at, ${differences.length} differences, ${written} rows written\n`;
  const list = shown.length === 0 ? '' : table(shown);
  tell({ looked, written, differences }, `${list}${more}${sum}`, output);
  return mode === 'check' && differences.length > 0 ? 1 : 0;
}

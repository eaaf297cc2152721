/** Losses of a run, one JSON line a step, and evaluations on the held-out rows. */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from './cell-file.ts';
import type { StepResult } from './engine.ts';
import { RunFolderError } from './errors.ts';

const lineSchema = z.strictObject({
  /** Steps done before it, from 0. */
  step: z.int().min(0),
  /** Summed loss in nats at scale 2^10. */
  loss: z.int(),
  /** Labels that it is summed over. */
  count: z.int().min(1),
  /** Mean loss in nats. */
  mean: z.number(),
});

/** One loss. */
export type LossLine = z.infer<typeof lineSchema>;

export function lossLine(step: number, { loss, count }: StepResult): LossLine {
  return { step, loss: Number(loss), count, mean: Number(loss) / count / 1024 };
}

export class LossLog {
  readonly #file: string;
  readonly lines: LossLine[];

  private constructor(file: string, lines: LossLine[]) {
    this.#file = file;
    this.lines = lines;
  }

  /**
   * Opens a log and drops what was written after the step from which the run goes on.
   *
   * @param last the last step (inclusive) whose line is kept
   * @throws RunFolderError for a line that is none
   */
  static async open(folder: string, name: 'losses' | 'evaluations', last: number): Promise<LossLog> {
    const file = join(folder, `${name}.jsonl`);
    const lines = (await readLines(file)).filter((line) => line.step <= last);
    await writeWhole(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return new LossLog(file, lines);
  }

  /** Adds a line; it is on the disk when this returns. */
  async add(line: LossLine): Promise<void> {
    this.lines.push(line);
    const handle = await open(this.#file, 'a');
    try {
      await handle.write(`${JSON.stringify(line)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** Reads a log; a last line without its end was cut off by a kill and does not count. */
async function readLines(file: string): Promise<LossLine[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => {
      try {
        return lineSchema.parse(JSON.parse(line));
      } catch (error) {
        throw new RunFolderError(`${file}:${i + 1}`, `is no loss (${(error as Error).message})`);
      }
    });
}

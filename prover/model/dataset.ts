/**
 * Data sets: JSONL documents, tokenised and packed into rows.
 *
 * The rule (`ROW_RULE`): each document is BOS, its text, EOS; documents are concatenated in file order and cut into
 * rows with stride seqLen, so that row i holds tokens i·seqLen … (i + 1)·seqLen inclusive; what does not fill the last
 * row is dropped, and so are rows without a label that counts.
 */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { DatasetError } from './errors.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** Name of the rule that builds rows, for the statement. */
export const ROW_RULE = 'zklora/rows/v1';

/** Which labels count: those of completions and plain texts alone, or all of them. */
export type LossOn = 'completion' | 'all';

/** Rows of token ids with the labels that count. */
export interface Dataset {
  /** Number of rows N, at least 1. */
  rows: number;
  /** Labels a row. */
  seqLen: number;
  /** Token ids, row-major [N, seqLen + 1]: inputs are the first seqLen of a row, labels the last. */
  tokens: Uint32Array;
  /** Row-major [N, seqLen]: 1 where the label counts, 0 elsewhere. Every row has a 1. */
  mask: Uint8Array;
}

/** How to build rows. */
export interface RowOptions {
  /** Labels a row, at least 1. */
  seqLen: number;
  /** Ids must be below it. */
  vocabSize: number;
  /** 'completion' if absent. */
  lossOn?: LossOn;
}

/** One line of the file: what is learnt, after what is only read. */
interface Document {
  prompt: string | undefined;
  text: string;
}

const documentSchema = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ prompt: z.string(), completion: z.string() }),
]);

/**
 * Reads a JSONL file of {"text"} or {"prompt", "completion"} documents, line by line. A prompt and its completion are
 * joined by a newline.
 *
 * @param file path, UTF-8
 * @param tokenizer the model's
 * @param options of the rows
 * @throws DatasetError naming file and line
 */
export async function readDataset(file: string, tokenizer: TextTokenizer, options: RowOptions): Promise<Dataset> {
  const packer = new Packer(options);
  for await (const [number, line] of readLines(file)) {
    if (line.trim() === '') continue;
    const { ids, counted } = tokeniseDocument(parseDocument(line, file, number), tokenizer, options.lossOn);
    const stranger = ids.find((id) => id >= options.vocabSize);
    if (stranger !== undefined) {
      throw new DatasetError(
        file,
        number,
        `holds token ${stranger}, but the model's vocabulary has ${options.vocabSize}`,
        'Use the tokenizer.json that belongs to the model.',
      );
    }
    packer.add(ids, counted);
  }
  const dataset = packer.finish();
  if (dataset.rows === 0) {
    throw new DatasetError(
      file,
      undefined,
      `its ${packer.length} tokens fill no row of ${options.seqLen} labels`,
      'Add text, or choose shorter rows.',
    );
  }
  return dataset;
}

/** The rows as arrays of token ids, as in the test vectors. */
export function rowsAsArrays(dataset: Dataset): number[][] {
  const width = dataset.seqLen + 1;
  return Array.from({ length: dataset.rows }, (_, row) => [...dataset.tokens.subarray(row * width, (row + 1) * width)]);
}

function parseDocument(line: string, file: string, number: number): Document {
  const fail = (problem: string) =>
    new DatasetError(file, number, problem, 'Each line must be {"text": …} or {"prompt": …, "completion": …}.');
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw fail(`is not JSON (${(error as Error).message})`);
  }
  if (typeof json === 'object' && json !== null && 'messages' in json) throw fail('"messages" is not supported');
  const parsed = documentSchema.safeParse(json);
  if (!parsed.success) throw fail('is neither {"text"} nor {"prompt", "completion"} with strings');
  const document = parsed.data;
  return 'text' in document
    ? { prompt: undefined, text: document.text }
    : { prompt: document.prompt, text: document.completion };
}

/**
 * A document's ids, and from which of them on a label counts. Prompt and completion are tokenised as one text; a token
 * that reaches over their border belongs to the completion.
 */
function tokeniseDocument(
  { prompt, text }: Document,
  tokenizer: TextTokenizer,
  lossOn: LossOn = 'completion',
): { ids: number[]; counted: number } {
  if (prompt === undefined) return { ids: [tokenizer.bos, ...tokenizer.encode(text), tokenizer.eos], counted: 0 };
  const whole = tokenizer.encode(`${prompt}\n${text}`);
  const ids = [tokenizer.bos, ...whole, tokenizer.eos];
  if (lossOn === 'all') return { ids, counted: 0 };
  const alone = tokenizer.encode(`${prompt}\n`);
  let shared = 0;
  while (shared < alone.length && alone[shared] === whole[shared]) shared++;
  return { ids, counted: 1 + shared };
}

/** Cuts a growing sequence of tokens into rows. */
class Packer {
  /** Tokens added so far. */
  length = 0;
  private readonly seqLen: number;
  private tokens = new Uint32Array(1 << 16);
  private counts = new Uint8Array(1 << 16);

  constructor({ seqLen }: RowOptions) {
    if (!Number.isInteger(seqLen) || seqLen < 1) throw new RangeError(`a row has at least 1 label, not ${seqLen}`);
    this.seqLen = seqLen;
  }

  /** Appends a document whose tokens count as labels from index `counted` on. */
  add(ids: readonly number[], counted: number): void {
    const end = this.length + ids.length;
    if (end > this.tokens.length) {
      const capacity = Math.max(end, 2 * this.tokens.length);
      const [tokens, counts] = [new Uint32Array(capacity), new Uint8Array(capacity)];
      tokens.set(this.tokens);
      counts.set(this.counts);
      [this.tokens, this.counts] = [tokens, counts];
    }
    this.tokens.set(ids, this.length);
    this.counts.fill(1, this.length + counted, end);
    this.length = end;
  }

  finish(): Dataset {
    const { seqLen } = this;
    const starts: number[] = [];
    for (let start = 0; start + seqLen < this.length; start += seqLen) {
      if (this.counts.subarray(start + 1, start + seqLen + 1).includes(1)) starts.push(start);
    }
    const tokens = new Uint32Array(starts.length * (seqLen + 1));
    const mask = new Uint8Array(starts.length * seqLen);
    starts.forEach((start, row) => {
      tokens.set(this.tokens.subarray(start, start + seqLen + 1), row * (seqLen + 1));
      mask.set(this.counts.subarray(start + 1, start + seqLen + 1), row * seqLen);
    });
    return { rows: starts.length, seqLen, tokens, mask };
  }
}

/** A file's lines with their numbers from 1; bytes that are not UTF-8 are refused rather than replaced. */
async function* readLines(file: string): AsyncGenerator<[number: number, line: string]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let rest = '';
  const decode = (chunk: Uint8Array | undefined): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new DatasetError(file, undefined, `is not UTF-8 after line ${number}`, 'Save the file as UTF-8.');
    }
  };
  try {
    for await (const chunk of createReadStream(file)) {
      const lines = (rest + decode(chunk as Uint8Array)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield [++number, line];
    }
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw new DatasetError(file, undefined, `cannot be read (${(error as Error).message})`, 'Check the path.');
  }
  rest += decode(undefined);
  if (rest !== '') yield [++number, rest];
}

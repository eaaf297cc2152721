import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDataset, rowsAsArrays } from '../../prover/model/dataset.ts';
import { DatasetError, ModelFileError } from '../../prover/model/errors.ts';
import { loadTokenizer } from '../../prover/model/tokenizer.ts';
import type { TextTokenizer } from '../../prover/model/tokenizer.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();
const fables = 'examples/aesop-fables.jsonl';
const vectors = JSON.parse(readFileSync('test/vectors/aesop-tokens-64.json', 'utf8')) as { rows: number[][] };
let tokenizer: TextTokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer('examples/stories260k');
});

function jsonl(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const lines = (...documents: unknown[]): string => documents.map((d) => JSON.stringify(d)).join('\n') + '\n';

describe('tokenizer', () => {
  test('names the ends of a document and its own digest', () => {
    expect([tokenizer.bos, tokenizer.eos]).toEqual([1, 2]);
    const bytes = readFileSync('examples/stories260k/tokenizer.json');
    expect(Buffer.from(tokenizer.digest).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('encodes without special tokens, and decodes back', () => {
    const ids = tokenizer.encode('The Wolf and the Lamb');
    expect(ids).toEqual(vectors.rows[0].slice(1, 12));
    expect(tokenizer.decode(ids)).toBe('The Wolf and the Lamb');
  });

  test('refuses folders without one, and configs without the ends of a document', async () => {
    await expect(loadTokenizer(folder)).rejects.toThrow(ModelFileError);
    writeFileSync(join(folder, 'tokenizer.json'), readFileSync('examples/stories260k/tokenizer.json'));
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ bos_token: { content: '<s>' } }));
    await expect(loadTokenizer(folder)).rejects.toThrow(/names no eos_token/);
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ bos_token: '<none>', eos_token: '</s>' }));
    await expect(loadTokenizer(folder)).rejects.toThrow(/does not hold bos_token "<none>"/);
    writeFileSync(join(folder, 'tokenizer_config.json'), '{');
    await expect(loadTokenizer(folder)).rejects.toThrow(/is not JSON/);
  });
});

describe('rows', () => {
  test('of the fables are those of the float64 runs', async () => {
    const dataset = await readDataset(fables, tokenizer, { seqLen: 64, vocabSize: 512, lossOn: 'all' });
    expect(dataset.rows).toBe(1588);
    expect(rowsAsArrays(dataset)).toEqual(vectors.rows);
    expect(dataset.mask.every((counts) => counts === 1)).toBe(true);
    expect(dataset.mask.length).toBe(1588 * 64);
  });

  test('count completions only, unless told otherwise', async () => {
    const dataset = await readDataset(fables, tokenizer, { seqLen: 64, vocabSize: 512 });
    expect(rowsAsArrays(dataset)).toEqual(vectors.rows);
    // Row 0 begins with <s> and the title's 11 tokens and newline: labels 0 … 11 are the prompt.
    expect([...dataset.mask.subarray(0, 16)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(dataset.tokens[12]).toBe(13);
    // Wherever a document begins inside a row, </s> counts and <s> after it does not.
    for (let i = 0; i < dataset.mask.length; i++) {
      const label = dataset.tokens[Math.floor(i / 64) * 65 + (i % 64) + 1];
      if (label === tokenizer.eos) expect(dataset.mask[i]).toBe(1);
      if (label === tokenizer.bos) expect(dataset.mask[i]).toBe(0);
    }
  });

  test('a plain text counts from its first token to </s>', async () => {
    const text = 'Once upon a time, there was a little girl.';
    const ids = [1, ...tokenizer.encode(text), 2];
    const file = jsonl('text.jsonl', lines({ text }, { prompt: 'Once', completion: 'upon a time' }));
    const second = [1, ...tokenizer.encode('Once\nupon a time'), 2];
    const all = [...ids, ...second];
    const dataset = await readDataset(file, tokenizer, { seqLen: 5, vocabSize: 512 });
    const prompt = tokenizer.encode('Once\n').length;
    const counted = all.map((_, i) => (i < ids.length || i > ids.length + prompt ? 1 : 0));
    expect(dataset.rows).toBe(Math.floor((all.length - 1) / 5));
    rowsAsArrays(dataset).forEach((row, i) => {
      expect(row).toEqual(all.slice(5 * i, 5 * i + 6));
      expect([...dataset.mask.subarray(5 * i, 5 * i + 5)]).toEqual(counted.slice(5 * i + 1, 5 * i + 6));
    });
  });

  test('a row without a label that counts is left out', async () => {
    const file = jsonl('prompt.jsonl', lines({ prompt: 'a long prompt about many things', completion: 'Yes.' }));
    const masked = await readDataset(file, tokenizer, { seqLen: 4, vocabSize: 512 });
    const all = await readDataset(file, tokenizer, { seqLen: 4, vocabSize: 512, lossOn: 'all' });
    expect(masked.rows).toBeLessThan(all.rows);
    expect(masked.rows).toBeGreaterThan(0);
    for (let i = 0; i < masked.rows; i++) expect(masked.mask.subarray(4 * i, 4 * i + 4)).toContain(1);
    expect(rowsAsArrays(masked)).toEqual(rowsAsArrays(all).slice(-masked.rows));
  });

  test('a token over the border of prompt and completion counts', async () => {
    // A tokenizer that merges the newline with the letter after it.
    const merging: TextTokenizer = {
      encode: (text) => [...text.replaceAll('\nb', '#')].map((c) => c.charCodeAt(0)),
      decode: (ids) => String.fromCharCode(...ids),
      bos: 1,
      eos: 2,
      digest: new Uint8Array(32),
    };
    const file = jsonl('border.jsonl', lines({ prompt: 'a', completion: 'bc' }));
    const dataset = await readDataset(file, merging, { seqLen: 4, vocabSize: 200 });
    expect(rowsAsArrays(dataset)).toEqual([[1, 97, 35, 99, 2]]);
    expect([...dataset.mask]).toEqual([0, 1, 1, 1]);
  });

  test('long files are read in pieces, characters of several bytes included', async () => {
    const text = 'Grüße, 狐狸 — fox. ';
    const file = jsonl('long.jsonl', lines(...Array.from({ length: 3000 }, (_, i) => ({ text: `${text}${i}` }))));
    const dataset = await readDataset(file, tokenizer, { seqLen: 31, vocabSize: 512 });
    const expected = Array.from({ length: 3000 }, (_, i) => [1, ...tokenizer.encode(`${text}${i}`), 2]).flat();
    expect(dataset.rows).toBe(Math.floor((expected.length - 1) / 31));
    expect([...dataset.tokens.subarray(32 * 777, 32 * 778)]).toEqual(expected.slice(31 * 777, 31 * 777 + 32));
    expect([...dataset.tokens.subarray(-32)]).toEqual(expected.slice(31 * (dataset.rows - 1), 31 * dataset.rows + 1));
  });

  test('blank lines, a missing last newline and CRLF do no harm', async () => {
    const text = { text: 'A fox saw a crow with a piece of cheese.' };
    const plain = jsonl('plain.jsonl', lines(text, text));
    const other = jsonl('other.jsonl', `\r\n${JSON.stringify(text)}\r\n\n${JSON.stringify(text)}`);
    const options = { seqLen: 8, vocabSize: 512 };
    expect(await readDataset(other, tokenizer, options)).toEqual(await readDataset(plain, tokenizer, options));
  });

  test.each<[string, string | Uint8Array, RegExp, number | undefined]>([
    ['messages', lines({ text: 'a' }, { messages: [] }), /bad\.jsonl:2: "messages" is not supported/, 2],
    ['no JSON', lines({ text: 'a' }, { text: 'b' }) + '{"text": ', /bad\.jsonl:3: is not JSON/, 3],
    ['a number', lines({ text: 1 }), /bad\.jsonl:1: is neither/, 1],
    ['a prompt alone', lines({ prompt: 'a' }), /bad\.jsonl:1: is neither/, 1],
    ['both kinds at once', lines({ prompt: 'a', completion: 'b', text: 'c' }), /bad\.jsonl:1: is neither/, 1],
    ['a list', '[1]\n', /bad\.jsonl:1: is neither/, 1],
    ['too little text', lines({ text: 'a' }), /fill no row of 64 labels/, undefined],
    ['nothing', '', /its 0 tokens fill no row/, undefined],
    ['Latin-1', new Uint8Array([0x7b, 0x22, 0xe9, 0x22]), /is not UTF-8/, undefined],
  ])('refuse %s', async (_, content, message, line) => {
    const file = jsonl('bad.jsonl', content);
    const reading = readDataset(file, tokenizer, { seqLen: 64, vocabSize: 512 });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ file, line });
    await expect(reading).rejects.toBeInstanceOf(DatasetError);
  });

  test('refuse tokens beyond the vocabulary, and missing files', async () => {
    const options = { seqLen: 64, vocabSize: 448 };
    await expect(readDataset(fables, tokenizer, options)).rejects.toThrow(/jsonl:1: holds token 448, but.* 448/);
    await expect(readDataset(join(folder, 'none.jsonl'), tokenizer, options)).rejects.toThrow(/cannot be read/);
  });
});

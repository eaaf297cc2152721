import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TensorFileError } from '../../commitment/errors.ts';
import { decodeTensor, headerLength, parseHeader } from '../../commitment/safetensors.ts';
import { encodeSafetensors } from '../../prover/model/safetensors.ts';
import { TensorFiles } from '../../prover/model/tensor-files.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

/** A file with any header, however wrong. */
function rawFile(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

function parseFile(file: Uint8Array) {
  const length = headerLength(file.subarray(0, 8), file.length, 'a.safetensors');
  return parseHeader(file.subarray(8, 8 + length), file.length, 'a.safetensors');
}

function entry(dtype: string, shape: number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

async function openBytes(name: string, bytes: Uint8Array): Promise<TensorFiles> {
  writeFileSync(join(folder, name), bytes);
  return TensorFiles.openFile(join(folder, name));
}

describe('encoding', () => {
  test('gives the bytes of the format, whatever the order of the tensors', () => {
    const a = { name: 'a', shape: [2], values: Float32Array.of(1, -2) };
    const b = { name: 'b', shape: [1, 1], values: Float32Array.of(0.5) };
    const bytes = encodeSafetensors([b, a], { format: 'pt' });
    const header =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"b":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(Buffer.from(bytes.subarray(8, 8 + padded.length)).toString()).toBe(padded);
    expect(bytes[0]).toBe(padded.length);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f]);
    expect(encodeSafetensors([a, b], { format: 'pt' })).toEqual(bytes);
  });

  test('is read back exactly', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.float32Array({ maxLength: 9 })), {
          selector: ([name]) => name,
          maxLength: 5,
        }),
        (tensors) => {
          const named = tensors
            .filter(([name]) => name !== '__metadata__' && name !== '__proto__')
            .map(([name, values]) => ({ name, shape: [values.length], values }));
          const file = encodeSafetensors(named);
          const entries = new Map(parseFile(file).map((found) => [found.name, found]));
          expect(entries.size).toBe(named.length);
          for (const { name, values } of named) {
            const found = entries.get(name)!;
            expect(decodeTensor(file.subarray(found.begin, found.end), found, 'f')).toEqual(values);
          }
        },
      ),
    );
  });

  test('refuses a repeated name and a shape that does not fit', () => {
    const a = { name: 'a', shape: [2], values: Float32Array.of(1, 2) };
    expect(() => encodeSafetensors([a, a])).toThrow(/given twice/);
    expect(() => encodeSafetensors([{ ...a, shape: [3] }])).toThrow(/do not fill \[3\]/);
  });
});

describe('element types', () => {
  const described = (dtype: string, count: number) => ({ name: 't', dtype, shape: [count], begin: 0, end: 0 });
  const from16 = (...words: number[]) => new Uint8Array(Uint16Array.from(words).buffer);

  test('F16 is converted exactly: normal, subnormal, zeros, extremes', () => {
    const words = [0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x8000, 0x7c00, 0xfc00, 0x3555];
    const values = [1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, -0, Infinity, -Infinity, 1365 / 4096];
    expect([...decodeTensor(from16(...words), described('F16', words.length), 'f')]).toEqual(values);
    expect(decodeTensor(from16(0x7e00), described('F16', 1), 'f')[0]).toBeNaN();
  });

  test('every finite F16 agrees with the engine', () => {
    const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
    const values = decodeTensor(new Uint8Array(words.buffer), described('F16', 65536), 'f');
    const native = new Float16Array(words.buffer);
    expect(
      values.every(
        (value, word) => Object.is(value, native[word]) || (value !== value && native[word] !== native[word]),
      ),
    ).toBe(true);
  });

  test('BF16 is the upper half of a float32', () => {
    const words = [0x3f80, 0xc000, 0x0001, 0x8000, 0x7f7f];
    const values = [1, -2, 2 ** -133, -0, 255 * 2 ** 120];
    expect([...decodeTensor(from16(...words), described('BF16', words.length), 'f')]).toEqual(values);
  });

  test('F32 need not be aligned in the file', () => {
    const bytes = new Uint8Array(5);
    bytes.set(new Uint8Array(Float32Array.of(0.1).buffer), 1);
    expect(decodeTensor(bytes.subarray(1), described('F32', 1), 'f')[0]).toBe(Math.fround(0.1));
  });

  test('other types are refused by name', () => {
    expect(() => decodeTensor(new Uint8Array(8), described('I64', 1), 'f')).toThrow(
      /t has dtype I64; F32, F16 and BF16/,
    );
  });
});

describe('headers', () => {
  const good = { a: entry('F32', [2], 0, 8), b: entry('F32', [], 8, 12), c: entry('U8', [0, 7], 12, 12) };

  test('a good one is read in the order of the bytes', () => {
    expect(parseFile(rawFile(good, 12)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test.each<[string, unknown, number, RegExp]>([
    ['no object', '[1]', 0, /does not begin with "\{"/],
    ['no JSON', '{"a":', 0, /not JSON/],
    ['no UTF-8', '{"\ud800":1}', 0, /�|no description/],
    ['a tensor that is null', { a: null }, 0, /a: has no description/],
    ['an unknown type', { a: entry('F4', [2], 0, 1) }, 1, /unknown dtype "F4"/],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, /no valid shape/],
    ['a negative size', { a: entry('F32', [-1, -1], 0, 4) }, 4, /no valid shape/],
    ['a fractional size', { a: entry('F32', [0.5, 2], 0, 4) }, 4, /no valid shape/],
    ['no offsets', { a: { dtype: 'F32', shape: [1] } }, 4, /no valid data_offsets/],
    ['reversed offsets', { a: entry('F32', [1], 4, 0) }, 4, /no valid data_offsets/],
    ['offsets unlike the shape', { a: entry('F32', [2], 0, 4) }, 4, /which is 8 bytes, not 4/],
    ['a product that overflows', { a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, 4, /bytes, not 4/],
    ['an overlap', { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, 8, /b overlaps/],
    ['two names for the same bytes', { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 0, 4) }, 4, /b overlaps/],
    ['a gap', { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) }, 12, /b leaves a gap/],
    ['a gap at the start', { a: entry('F32', [1], 4, 8) }, 8, /a leaves a gap/],
    ['bytes after the last tensor', { a: entry('F32', [1], 0, 4) }, 5, /tensors end at byte/],
    ['a tensor beyond the end', { a: entry('F32', [2], 0, 8) }, 4, /tensors end at byte/],
  ])('refuses %s', (_, header, dataBytes, message) => {
    expect(() => parseFile(rawFile(header, dataBytes))).toThrow(TensorFileError);
    expect(() => parseFile(rawFile(header, dataBytes))).toThrow(message);
  });

  test('refuses a header longer than the file or the limit', () => {
    const file = rawFile(good, 12);
    expect(() => headerLength(file.subarray(0, 8), 20, 'f')).toThrow(/declares a header of/);
    expect(() => headerLength(new Uint8Array(8).fill(255), 2 ** 40, 'f')).toThrow(/18446744073709551615/);
    expect(() => headerLength(new Uint8Array(7), 7, 'f')).toThrow(/too short/);
  });

  test('no prefix of a file is accepted', () => {
    const file = encodeSafetensors([{ name: 'a', shape: [3], values: Float32Array.of(1, 2, 3) }]);
    for (let end = 0; end < file.length; end++) {
      expect(() => parseFile(file.subarray(0, end)), `prefix of ${end} bytes`).toThrow(TensorFileError);
    }
    expect(parseFile(file).length).toBe(1);
  });
});

describe('files', () => {
  const a = { name: 'a', shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
  const b = { name: 'b', shape: [1], values: Float32Array.of(5) };
  const c = { name: 'c', shape: [1], values: Float32Array.of(6) };

  function model(name: string, weightMap: unknown): string {
    const directory = join(folder, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'model-00001-of-00002.safetensors'), encodeSafetensors([b, a]));
    writeFileSync(join(directory, 'model-00002-of-00002.safetensors'), encodeSafetensors([c]));
    writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    return directory;
  }
  const [one, two] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

  test('reads one tensor at a time, with the expected shape only', async () => {
    const files = await openBytes('two.safetensors', encodeSafetensors([a, b]));
    expect(files.names().sort()).toEqual(['a', 'b']);
    expect(await files.read('a', [2, 2])).toEqual(a.values);
    expect(await files.read('b', [1])).toEqual(b.values);
    await expect(files.read('a', [4])).rejects.toThrow(/a has shape \[2, 2\], expected \[4\]/);
    await expect(files.read('z', [4])).rejects.toThrow(/has no tensor z/);
    await files.close();
  });

  test('reads shards through their index', async () => {
    const files = await TensorFiles.openModel(model('shards', { a: one, b: one, c: two }));
    expect(await files.read('a', [2, 2])).toEqual(a.values);
    expect(await files.read('c', [1])).toEqual(c.values);
    await files.close();
  });

  test('one file and shards hold the same model', async () => {
    const single = await TensorFiles.openModel('examples/stories260k');
    const directory = join(folder, 'split');
    mkdirSync(directory);
    const names = single.names().sort();
    const weightMap: Record<string, string> = {};
    expect(names.length).toBe(47);
    for (const [index, shard] of [one, two].entries()) {
      const part = names.filter((_, i) => i % 2 === index && names[i].includes('layernorm'));
      const tensors = [];
      for (const name of part) tensors.push({ name, shape: [64], values: await single.read(name, [64]) });
      for (const name of part) weightMap[name] = shard;
      writeFileSync(join(directory, shard), encodeSafetensors(tensors));
    }
    writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    const split = await TensorFiles.openModel(directory);
    expect(split.names().length).toBe(10);
    for (const name of split.names()) expect(await split.read(name, [64])).toEqual(await single.read(name, [64]));
    await split.close();
    await single.close();
  });

  test.each<[string, unknown, RegExp]>([
    ['a tensor in the wrong shard', { a: one, b: two, c: two }, /places b in model-00002.*does not hold it/],
    ['a tensor that no shard holds', { a: one, b: one, c: two, d: two }, /places d/],
    ['a tensor left out', { a: one, c: two }, /b is not in the index/],
    ['a shard outside the folder', { a: '../secret.safetensors' }, /no file beside it/],
    ['a missing shard', { a: 'model-00003.safetensors' }, /cannot be opened/],
    ['no map', undefined, /no valid weight_map/],
  ])('refuses an index with %s', async (name, weightMap, message) => {
    const directory = model(name.replaceAll(' ', '-'), weightMap);
    await expect(TensorFiles.openModel(directory)).rejects.toThrow(message);
    await expect(TensorFiles.openModel(directory)).rejects.toBeInstanceOf(TensorFileError);
  });

  test('refuses two shards with the same tensor', async () => {
    const directory = model('twice', { a: one, b: one, c: two });
    writeFileSync(join(directory, two), encodeSafetensors([c, b]));
    await expect(TensorFiles.openModel(directory)).rejects.toThrow(/b is also in/);
  });

  test('names a folder without weights', async () => {
    await expect(TensorFiles.openModel(folder)).rejects.toThrow(/has neither model.safetensors nor/);
  });
});

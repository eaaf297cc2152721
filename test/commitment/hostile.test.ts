/** Whatever a file holds, it is refused by a declared error or has the root of the weights in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAdapter } from '../../commitment/adapter-file.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { AdapterError, CommitmentError, TensorFileError } from '../../commitment/errors.ts';
import { parseFile } from '../../commitment/safetensors.ts';
import { concat } from '../../protocol/bytes.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import { descriptions, patternAdapter, rawFile, rawTensors, tensorFile } from '../support/sample-adapter.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

const { model, lora } = SAMPLE_RUN;
const RUN = parseRun({
  ...SAMPLE_RUN,
  model: { ...model, hiddenSize: 4, layers: 1, heads: 2, kvHeads: 1, headDim: 2 },
  lora: { ...lora, rank: 1, alpha: 1, targets: ['q_proj'] },
});
const TENSORS = rawTensors(RUN, patternAdapter(RUN));
const DATA = TENSORS.map(({ bytes }) => bytes);
const GOOD = tensorFile(TENSORS);
const ROOT = adapterRootOfFile(GOOD, RUN);
const [[A, describedA], [B, describedB]] = descriptions(TENSORS);
const json = JSON.stringify;

/** The root, or the error by which the file is refused; other errors are thrown on. */
function outcome(file: Uint8Array): string | CommitmentError {
  try {
    return adapterRootOfFile(file, RUN);
  } catch (error) {
    if (error instanceof CommitmentError && error.file !== '' && error.next !== '') return error;
    throw error;
  }
}

const weights = (file: Uint8Array) => decodeAdapter(file, RUN.model, RUN.lora);

/** A file that has the root holds the same weights. */
function refusedOrOther(file: Uint8Array): void {
  const found = outcome(file);
  if (found === ROOT) expect(weights(file)).toEqual(weights(GOOD));
}

const edit = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    at: fc.nat(),
    text: fc.constantFrom(
      '"',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '\\',
      '0',
      '-',
      '1e9',
      'null',
      '"__proto__":',
      '\\u0000',
      ' ',
    ),
  }),
);

function edited(file: Uint8Array, change: typeof edit extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const at = change.at % file.length;
  switch (change.kind) {
    case 'flip': {
      const out = file.slice();
      out[at] ^= 1 << change.bit;
      return out;
    }
    case 'cut':
      return concat(file.subarray(0, at), file.subarray(at + change.count));
    case 'insert':
      return concat(file.subarray(0, at), change.bytes, file.subarray(at));
    case 'text': {
      const out = file.slice();
      out.set(new TextEncoder().encode(change.text).subarray(0, out.length - at), at);
      return out;
    }
  }
}

describe('thousands of files', () => {
  test('with edits anywhere', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        refusedOrOther(edits.reduce(edited, GOOD));
      }),
      { numRuns: 4000, seed: 1 },
    );
  });

  test('with edits in a header of the right length', () => {
    const length = GOOD.length - DATA.reduce((n, bytes) => n + bytes.length, 0);
    const header = GOOD.slice(8, length);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = edits.reduce(edited, header);
        const file = concat(new Uint8Array(8), text, ...DATA);
        new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
        refusedOrOther(file);
      }),
      { numRuns: 4000, seed: 2 },
    );
  });

  test('with any JSON as header', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(outcome(rawFile(text, DATA))).toBeInstanceOf(CommitmentError);
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  test('of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(bytes)).toBeInstanceOf(TensorFileError);
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});

describe('a header that another reader would read otherwise', () => {
  const others = `${json(B)}:${json(describedB)}}`;
  const good = json(describedA);
  test.each<[string, string, RegExp]>([
    ['a tensor twice', `{${json(A)}:${good},${json(A)}:${good},${others}`, /the header has ".*lora_A.weight" twice/],
    ['a tensor twice, once with escapes', `{"\\u0062${A.slice(1)}":${good},${json(A)}:${good},${others}`, /twice/],
    ['a field twice', `{${json(A)}:{"dtype":"F32",${good.slice(1)},${others}`, /has "dtype" twice/],
    ['metadata twice', `{"__metadata__":{},"__metadata__":{},${json(A)}:${good},${others}`, /twice/],
    [
      'a key of metadata twice',
      `{"__metadata__":{"a":"","a":""},${json(A)}:${good},${others}`,
      /__metadata__ has "a" twice/,
    ],
    ['metadata that is no text', `{"__metadata__":{"a":1},${json(A)}:${good},${others}`, /"a" is no text/],
    ['metadata that is no object', `{"__metadata__":"a",${json(A)}:${good},${others}`, /is no object/],
    [
      'an unknown field',
      `{${json(A)}:{"strides":[1],${good.slice(1)},${others}`,
      /"strides", which the format does not/,
    ],
    ['a fraction', `{${json(A)}:${good.replace('[1,4]', '[1.0,4]')},${others}`, /no valid shape/],
    ['an exponent', `{${json(A)}:${good.replace('[1,4]', '[1e0,4]')},${others}`, /no valid shape/],
    ['a leading zero', `{${json(A)}:${good.replace('[1,4]', '[01,4]')},${others}`, /no valid shape/],
    [
      'a number beyond 2^53',
      `{${json(A)}:${good.replace('[1,4]', '[9007199254740993,4]')},${others}`,
      /no valid shape/,
    ],
    ['a comment', `{/**/${json(A)}:${good},${others}`, /not JSON/],
    ['a trailing comma', `{${json(A)}:${good},${others.slice(0, -1)},}`, /not JSON/],
    ['a second value', `{${json(A)}:${good},${others}{}`, /not JSON/],
    ['a zero byte at its end', `{${json(A)}:${good},${others}\0`, /not JSON/],
    ['a line break in a name', `{"a\n":${good},${others}`, /not JSON/],
    ['a byte order mark', `\ufeff{${json(A)}:${good},${others}`, /does not begin with "\{"/],
  ])('with %s is refused', (_, header, message) => {
    const file = rawFile(header, DATA);
    expect(() => adapterRootOfFile(file, RUN)).toThrow(TensorFileError);
    expect(() => adapterRootOfFile(file, RUN)).toThrow(message);
  });

  test('the control: by itself the same header is read', () => {
    expect(adapterRootOfFile(rawFile(`{${json(A)}:${good},${others}`, DATA), RUN)).toBe(ROOT);
  });

  test('which is not UTF-8 is refused', () => {
    const file = rawFile(`{"~":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, []);
    expect(parseFile(file, 'f')).toHaveLength(1);
    file[file.indexOf(0x7e)] = 0xff;
    expect(() => parseFile(file, 'f')).toThrow(/not UTF-8/);
  });
});

describe('sizes', () => {
  test('that no file has are refused before anything is made of them', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const claims = [
      { dtype: 'F32', shape: [most], data_offsets: [0, most] },
      { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] },
      { dtype: 'U8', shape: [most], data_offsets: [0, most] },
      { dtype: 'F32', shape: new Array<number>(100_000).fill(1), data_offsets: [0, 4] },
      { dtype: 'F32', shape: [0, most], data_offsets: [4, 4] },
    ];
    for (const claim of claims) {
      const file = rawFile(json({ [A]: claim, [B]: describedB }), DATA);
      expect(outcome(file)).toBeInstanceOf(TensorFileError);
    }
  });

  test('of headers are limited', () => {
    const long = rawFile(`{"__metadata__":{"a":${json('x'.repeat(2 ** 21))}}}`, []);
    expect(() => adapterRootOfFile(long, RUN)).toThrow(/at most \d+ are read/);
    expect(parseFile(long, 'f')).toEqual([]);
    const beyond = new Uint8Array(16).fill(255);
    expect(outcome(beyond)).toBeInstanceOf(TensorFileError);
    expect(() => fileDigests(beyond)).toThrow(TensorFileError);
    expect(() => fileDigests(new Uint8Array(7))).toThrow(TensorFileError);
  });

  test('of depth are refused at the first step', () => {
    const deep = `{"a":${'['.repeat(1e6)}`;
    expect(() => parseFile(rawFile(deep, []), 'f')).toThrow(/a: has no description/);
    const inside = `{"a":{"shape":${'['.repeat(1e6)}`;
    expect(() => parseFile(rawFile(inside, []), 'f')).toThrow(/no valid shape/);
  });

  test('of messages are bounded where a file chooses their words', () => {
    const long = 'x'.repeat(1e5);
    const headers = [
      { [A]: { ...describedA, shape: long } },
      { [A]: { ...describedA, dtype: long } },
      { [A]: { ...describedA, [long]: 1 } },
      { [A]: describedA, [long]: { dtype: 'U8', shape: [0], data_offsets: [0, 0] } },
      { __metadata__: { [long]: 1 } },
      { [long]: 1 },
    ];
    for (const header of headers) {
      const found = outcome(rawFile(json({ ...header, [B]: describedB }), DATA));
      expect((found as CommitmentError).message.length).toBeLessThan(1100);
    }
  });
});

test('weights of a type that holds no such weights are refused', () => {
  for (const dtype of ['F64', 'I32', 'U8', 'F8_E4M3']) {
    const width = dtype === 'F64' ? 8 : dtype === 'I32' ? 4 : 1;
    const header = json({
      [A]: { dtype, shape: [1, 4], data_offsets: [0, 4 * width] },
      [B]: { dtype: 'F32', shape: [4, 1], data_offsets: [4 * width, 4 * width + 16] },
    });
    const found = outcome(rawFile(header, [new Uint8Array(4 * width), new Uint8Array(16)]));
    expect(found).toBeInstanceOf(AdapterError);
    expect((found as AdapterError).message).toContain(`has dtype ${dtype}`);
  }
});

test('half precision that is exact has the root of the same weights', () => {
  const zeros = rawTensors(RUN, {
    ...patternAdapter(RUN),
    layers: [{ q_proj: { A: new Int32Array(4).fill(2 ** 20), B: new Int32Array(4) } }],
  });
  const quarter = new Uint8Array(Uint16Array.from([0x3400, 0x3400, 0x3400, 0x3400]).buffer);
  const header = json({
    [A]: { dtype: 'F16', shape: [1, 4], data_offsets: [0, 8] },
    [B]: { dtype: 'F32', shape: [4, 1], data_offsets: [8, 24] },
  });
  expect(adapterRootOfFile(rawFile(header, [quarter, new Uint8Array(16)]), RUN)).toBe(
    adapterRootOfFile(tensorFile(zeros), RUN),
  );
});

import { describe, expect, test } from 'vitest';

import { ascii } from '../../protocol/bytes.ts';
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import { DecodeError } from '../../protocol/errors.ts';
import { MAX_STATEMENT_BYTES, parseRun } from '../../protocol/statement-schema.ts';
import { decodeStatement, encodeStatement, statementHash, type Statement } from '../../protocol/statement.ts';
import { root, SAMPLE_RUN, SAMPLE_STATEMENT, sampleSegment } from '../support/statements.ts';

type Path = readonly (string | number)[];
type Container = Record<string | number, unknown>;

const REMOVED = Symbol('removed');

/** A copy of a document with one value replaced or removed. */
function replaced(document: unknown, path: Path, value: unknown): unknown {
  const copy = structuredClone(document) as Container;
  const holder = path.slice(0, -1).reduce<Container>((node, key) => node[key] as Container, copy);
  const last = path.at(-1)!;
  if (value === REMOVED) delete holder[last];
  else holder[last] = value;
  return copy;
}

/** The paths of all values below a document that are no lists' items, objects included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  const own = path.length === 0 ? [] : [path];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return own;
  return [...own, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

function refusalOf(bytes: Uint8Array): DecodeError {
  try {
    decodeStatement(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return error as DecodeError;
  }
  throw new Error('the statement was taken');
}

const encode = (document: unknown): Uint8Array => ascii(canonicalJson(document as Json));
const refusal = (path: Path, value: unknown, from: unknown = SAMPLE_STATEMENT): DecodeError =>
  refusalOf(encode(replaced(from, path, value)));

const SGD = { kind: 'sgd', lr: '0.1', momentum: '0.9', schedule: { kind: 'constant', warmup: 0 } };
const ADAMW_PATHS = pathsOf(SAMPLE_STATEMENT);
const sgdStatement = replaced(SAMPLE_STATEMENT, ['run', 'optimizer'], SGD);
const PATHS: [string, Path, unknown][] = [
  ...ADAMW_PATHS.map((path): [string, Path, unknown] => [path.join('.'), path, SAMPLE_STATEMENT]),
  ...pathsOf(SGD).map((path): [string, Path, unknown] => {
    const full = ['run', 'optimizer', ...path];
    return [`${full.join('.')} of sgd`, full, sgdStatement];
  }),
];

describe('statements round-trip', () => {
  const hidden: Statement = {
    run: { ...SAMPLE_RUN, losses: 'hidden' },
    segment: { ...sampleSegment(4, 4), losses: null },
  };
  const samples: [string, Statement][] = [
    ['AdamW in the middle of a run', SAMPLE_STATEMENT],
    ['SGD', sgdStatement as Statement],
    ['the first segment', { run: SAMPLE_RUN, segment: sampleSegment(0, 1) }],
    ['hidden losses', hidden],
    ['the last step', { run: SAMPLE_RUN, segment: sampleSegment(7, 1) }],
  ];
  test.each(samples)('%s', (_, statement) => {
    const bytes = encodeStatement(statement);
    expect(decodeStatement(bytes)).toEqual(statement);
    expect(encodeStatement(decodeStatement(bytes))).toEqual(bytes);
  });

  test('every field changes the hash', () => {
    const hashes = samples.map(([, statement]) => statementHash(statement).join());
    expect(new Set(hashes).size).toBe(samples.length);
  });
});

describe('every field', () => {
  test.each(PATHS)('%s can not be left out', (_, path, from) => {
    const error = refusal(path, REMOVED, from);
    // Without its kind an optimiser is of no known one.
    expect(error.field).toBe(['statement', ...path].join('.'));
    expect(error.code).toBe('STATEMENT_FIELD');
  });

  test.each(PATHS)('%s has a type', (_, path, from) => {
    for (const value of [true, -1, [[]], {}, '~']) {
      const document = replaced(from, path, value);
      const { field, code } = refusalOf(encode(document));
      expect(`${field}.`).toContain(['statement', ...path, ''].join('.'));
      expect(code).toBe('STATEMENT_FIELD');
    }
  });

  const mayBeNull = new Set(['segment.losses', 'segment.adapterIn', 'segment.momentsIn']);
  test.each(PATHS)('%s is no null', (_, path, from) => {
    const error = refusal(path, null, from);
    expect(error.field).toBe(['statement', ...path].join('.'));
    if (!mayBeNull.has(path.join('.'))) expect(error.message).toContain('expected');
  });
});

describe('fields out of range', () => {
  const cases: [string, unknown][] = [
    ['run.protocol', 'zklora/2'],
    ['run.parameters', 'Standard'],
    ['run.model.hiddenSize', 2 ** 16 + 1],
    ['run.model.intermediateSize', 2 ** 18 + 1],
    ['run.model.layers', 513],
    ['run.model.heads', 1025],
    ['run.model.kvHeads', 3],
    ['run.model.headDim', 9],
    ['run.model.vocabSize', 2 ** 20 + 1],
    ['run.model.ropeTheta', '0.5'],
    ['run.model.ropeTheta', '1e999'],
    ['run.model.rmsNormEps', '-1e-05'],
    ['run.model.rmsNormEps', '2'],
    ['run.quantisation', 'a'.repeat(65)],
    ['run.tokenizer', root(0xab).toUpperCase()],
    ['run.rows.bos', 512],
    ['run.rows.eos', 512],
    ['run.lora.rank', 0],
    ['run.lora.alpha', 129],
    ['run.lora.targets', []],
    ['run.lora.targets', ['v_proj', 'q_proj']],
    ['run.lora.targets', ['q_proj', 'q_proj']],
    ['run.lora.targets', ['lm_head']],
    ['run.scales.activation', 27],
    ['run.scales.rope', 0],
    ['run.widths.widest', 31],
    ['run.widths.spread', 0],
    ['run.optimizer.lr', '1001'],
    ['run.optimizer.lr', '.1'],
    ['run.optimizer.beta1', '1'],
    ['run.optimizer.beta2', '1.0'],
    ['run.optimizer.eps', '1e-1000'],
    ['run.optimizer.weightDecay', '1e4'],
    ['run.optimizer.kind', 'adam'],
    ['run.optimizer.schedule.kind', 'step'],
    ['run.optimizer.schedule.warmup', 9],
    ['run.batch', 3],
    ['run.batch', 1024],
    ['run.seqLen', 96],
    ['run.seqLen', 2 ** 18],
    ['run.dataRows', 2 ** 24 + 1],
    ['run.steps', 3],
    ['run.losses', 'mean'],
    ['run.baseRoot', root(1).slice(2)],
    ['run.dataRoot', `0x${root(1)}`.slice(0, 64)],
    ['run.nonce', root(1) + '00'],
    ['run.owner', `0x${'5E'.repeat(20)}`],
    ['segment.first', 0],
    ['segment.first', 7],
    ['segment.steps', 3],
    ['segment.steps', 4],
    ['segment.adapterIn', root(1) + '00'],
    ['segment.adapterOut', ''],
    ['segment.counts', [200]],
    ['segment.counts', [200, 0]],
    ['segment.counts', [200, 257]],
    ['segment.losses', [1]],
    ['segment.losses', [1, -1]],
    ['segment.losses', [1, 201 * 2 ** 18]],
  ];
  test.each(cases)('%s = %j', (path, value) => {
    const field = path.split('.');
    expect(refusal(field, value).code).toBe('STATEMENT_FIELD');
  });

  test('the control: the greatest values in range', () => {
    const largest = { ...SAMPLE_RUN, batch: 512, steps: 4, dataRows: 2 ** 24, optimizer: SGD };
    const segment = { ...SAMPLE_STATEMENT.segment, counts: [512 * 64, 1], losses: [0, 2 ** 18 - 1] };
    expect(decodeStatement(encode({ run: largest, segment })).segment.losses).toEqual([0, 2 ** 18 - 1]);
  });

  test('roots at the start of a run', () => {
    const first = { run: SAMPLE_RUN, segment: sampleSegment(0, 2) };
    for (const field of ['adapterIn', 'momentsIn'])
      expect(refusal(['segment', field], root(1), first).field).toBe(`statement.segment.${field}`);
  });

  test('published losses of a run that hides them', () => {
    const hidden = { ...SAMPLE_STATEMENT, run: { ...SAMPLE_RUN, losses: 'hidden' } };
    expect(refusalOf(encode(hidden)).field).toBe('statement.segment.losses');
  });
});

describe('unknown fields', () => {
  const objects = [[], ...ADAMW_PATHS.filter((path) => typeof at(SAMPLE_STATEMENT, path) === 'object')].filter(
    (path) => !Array.isArray(at(SAMPLE_STATEMENT, path)),
  );
  test.each(objects.map((path): [string, Path] => [path.join('.') || 'the statement', path]))('in %s', (_, path) => {
    for (const key of ['extra', '__proto__', 'constructor'])
      expect(refusalOf(encode(withKey(path, key))).field).toBe(['statement', ...path, key].join('.'));
  });

  function at(document: unknown, path: Path): unknown {
    return path.reduce<unknown>((node, key) => (node as Container)[key], document);
  }

  function withKey(path: Path, key: string): unknown {
    const copy = structuredClone(SAMPLE_STATEMENT);
    Object.defineProperty(at(copy, path), key, { value: 1, enumerable: true });
    return copy;
  }
});

describe('the text', () => {
  const good = encodeStatement(SAMPLE_STATEMENT);
  const goodText = Buffer.from(good).toString();
  const variants: [string, string, string][] = [
    ['white space', goodText.replace(',', ', '), 'STATEMENT_CANONICAL'],
    ['a trailing line end', `${goodText}\n`, 'STATEMENT_TEXT'],
    ['a trailing space', `${goodText} `, 'STATEMENT_CANONICAL'],
    ['an exponent', goodText.replace('"batch":4', '"batch":4e0'), 'STATEMENT_CANONICAL'],
    ['a fraction', goodText.replace('"batch":4', '"batch":4.5'), 'STATEMENT_FIELD'],
    ['minus zero', goodText.replace('"warmup":2', '"warmup":-0'), 'STATEMENT_FIELD'],
    ['a key twice', goodText.replace('"batch":4', '"batch":4,"batch":4'), 'STATEMENT_CANONICAL'],
    ['an escape', goodText.replace('"exact"', '"ex\\u0061ct"'), 'STATEMENT_CANONICAL'],
    ['other order', canonicalSwapped(), 'STATEMENT_CANONICAL'],
    ['a letter beyond ASCII', goodText.replace('exact', 'exäct'), 'STATEMENT_TEXT'],
    ['nothing', '', 'STATEMENT_JSON'],
    ['another value', '[]', 'STATEMENT_FIELD'],
    ['depth', '['.repeat(200_000) + ']'.repeat(60_000), 'STATEMENT_JSON'],
    ['closed depth', '['.repeat(100_000) + ']'.repeat(100_000), 'STATEMENT_FIELD'],
    ['length', ' '.repeat(MAX_STATEMENT_BYTES + 1), 'STATEMENT_LENGTH'],
  ];
  test.each(variants)('%s', (_, text, code) => {
    expect(refusalOf(new TextEncoder().encode(text)).code).toBe(code);
  });

  test('every prefix is refused', () => {
    for (let n = 0; n < good.length; n++) expect(refusalOf(good.subarray(0, n)).code).toBe('STATEMENT_JSON');
  });

  test('the offset is that of the field', () => {
    const changed = encode(replaced(SAMPLE_STATEMENT, ['segment', 'counts', 1], 0));
    const { offset } = refusalOf(changed);
    expect(Buffer.from(changed.subarray(offset)).toString()).toMatch(/^0\],"first"/);
    const without = encode(replaced(SAMPLE_STATEMENT, ['run', 'batch'], REMOVED));
    expect(Buffer.from(without.subarray(0, refusalOf(without).offset)).toString()).toMatch(
      /"run":\{"baseRoot":"[0-9a-f]+",?$/,
    );
  });

  function canonicalSwapped(): string {
    return `{"segment":${canonicalJson(SAMPLE_STATEMENT.segment as unknown as Json)},"run":${canonicalJson(SAMPLE_RUN as unknown as Json)}}`;
  }
});

test('a run alone', () => {
  const json: unknown = JSON.parse(canonicalJson(SAMPLE_RUN as unknown as Json));
  expect(parseRun(json)).toEqual(SAMPLE_RUN);
  expect(() => parseRun(replaced(SAMPLE_RUN, ['batch'], 3))).toThrow(
    expect.objectContaining({ name: 'DecodeError', code: 'RUN_FIELD', field: 'run.batch' }),
  );
});

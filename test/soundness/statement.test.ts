/** Proofs of whole statements: each field of a statement is bound, and a prover who states something else is refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import { concat } from '../../protocol/bytes.ts';
import { DecodeError } from '../../protocol/errors.ts';
import { HEADER_BYTES, instanceOf, proofHeader } from '../../protocol/instance.ts';
import { startCells } from '../../protocol/program/start.ts';
import { deriveSeed, encodeStatement, runId, type Statement } from '../../protocol/statement.ts';
import { VERIFIER, readProofStatement, verifyProof } from '../../protocol/verify.ts';
import { refusal } from '../support/messages.ts';
import { microRun, proveStatement, type MicroSegment } from '../support/micro-run.ts';

type Path = readonly (string | number)[];

let segments: MicroSegment[];
let proofs: Uint8Array[];

beforeAll(async () => {
  segments = await microRun();
  proofs = [];
  for (const { statement, witness } of segments) proofs.push(await proveStatement(statement, witness));
});

const refused = (bytes: Uint8Array): string => refusal(() => verifyProof(bytes));

/** Paths of all values that are neither objects nor lists. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce((node, key) => (node as Record<string | number, unknown>)[key], value);

/** A copy with the value at a path replaced. */
function changed<T>(document: T, path: Path, value: unknown): T {
  const copy = structuredClone(document);
  (at(copy, path.slice(0, -1)) as Record<string | number, unknown>)[path.at(-1) as string] = value;
  return copy;
}

/** Another value of the same form. */
function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value !== 'string') return '00'.repeat(32);
  if (/^[0-9a-f]{64}$|^0x/.test(value)) return value.slice(0, -1) + (value.endsWith('0') ? '1' : '0');
  const names: Readonly<Record<string, string>> = {
    'strict-100': 'standard-100',
    exact: 'hidden',
    linear: 'cosine',
    adamw: 'sgd',
    q_proj: 'k_proj',
  };
  if (names[value] !== undefined) return names[value];
  return /^[\d.e-]+$/.test(value)
    ? value.includes('e')
      ? `1${value}`
      : `${value}1`.replace(/^(\d+)1$/, '$1.1')
    : `${value}0`;
}

/** A proof's body under another statement. */
function transplanted(proof: Uint8Array, from: Statement, to: Statement): Uint8Array {
  return concat(proofHeader(to), proof.subarray(HEADER_BYTES + encodeStatement(from).length));
}

describe('a proven statement', () => {
  it('is accepted with the statement that it holds', () => {
    segments.forEach(({ statement }, i) => {
      const verified = verifyProof(proofs[i]);
      expect(verified.statement).toEqual(statement);
      expect(readProofStatement(proofs[i])).toEqual(statement);
      expect(verified.soundnessBits).toBeGreaterThanOrEqual(100);
    });
    expect(VERIFIER.id).toBe('zklora-verifier');
  });

  it('chains to the next one, root by root', () => {
    const [first, second] = segments.map(({ statement }) => statement.segment);
    expect([second.adapterIn, second.momentsIn]).toEqual([first.adapterOut, first.momentsOut]);
    expect([first.adapterIn, first.momentsIn]).toEqual([null, null]);
  });

  it('carries over to no statement that differs in a field', () => {
    const { statement } = segments[1];
    const paths = leaves(statement);
    expect(paths.length).toBeGreaterThan(50);
    const accepted = paths.filter((path) => {
      const other = changed(statement, path, another(at(statement, path)));
      expect(at(other, path)).not.toEqual(at(statement, path));
      return refused(transplanted(proofs[1], statement, other)) === 'accepted';
    });
    expect(accepted).toEqual([]);
  });

  it('is refused with another magic number, length or a longer statement', () => {
    const [proof] = proofs;
    const header = (edit: (view: DataView) => void): string => {
      const bytes = proof.slice();
      edit(new DataView(bytes.buffer));
      return refused(bytes);
    };
    expect(header((v) => v.setUint8(0, 0))).toBe('MAGIC');
    expect(header((v) => v.setUint32(4, 2 ** 31))).toBe('STATEMENT_LENGTH');
    expect(header((v) => v.setUint32(4, v.getUint32(4) + 1))).toBe('STATEMENT_TEXT');
    expect(refused(proof.slice(0, 7))).toBe('MAGIC');
    expect(() => verifyProof(new Uint8Array())).toThrow(DecodeError);
  });
});

/** What a prover may state of an honest witness, and the check that refuses it. */
const LIES: readonly { name: string; segment: 0 | 1; path: Path; value: (s: Statement) => unknown; code: string }[] = [
  {
    name: 'a smaller loss',
    segment: 1,
    path: ['segment', 'losses', 0],
    value: (s) => (s.segment.losses?.[0] ?? 0) - 1,
    code: 'OPENING',
  },
  { name: 'fewer labels', segment: 1, path: ['segment', 'counts', 0], value: () => 1, code: 'OPENING' },
  {
    name: 'another adapter after',
    segment: 1,
    path: ['segment', 'adapterOut'],
    value: (s) => s.segment.adapterIn,
    code: 'ROOT',
  },
  {
    name: 'another adapter before',
    segment: 1,
    path: ['segment', 'adapterIn'],
    value: (s) => s.segment.adapterOut,
    code: 'ROOT',
  },
  {
    name: 'other moments after',
    segment: 1,
    path: ['segment', 'momentsOut'],
    value: (s) => s.segment.momentsIn,
    code: 'ROOT',
  },
  {
    name: 'other moments before',
    segment: 1,
    path: ['segment', 'momentsIn'],
    value: (s) => s.segment.adapterIn,
    code: 'ROOT',
  },
  { name: 'another base model', segment: 1, path: ['run', 'baseRoot'], value: (s) => s.run.dataRoot, code: 'ROOT' },
  { name: 'other data', segment: 1, path: ['run', 'dataRoot'], value: (s) => s.run.baseRoot, code: 'ROOT' },
  { name: 'another tokenizer', segment: 1, path: ['run', 'tokenizer'], value: (s) => s.run.baseRoot, code: 'ROOT' },
  { name: 'another quantisation', segment: 1, path: ['run', 'quantisation'], value: () => 'none', code: 'ROOT' },
  {
    name: 'another learning rate',
    segment: 0,
    path: ['run', 'optimizer', 'lr'],
    value: () => '0.002',
    code: 'OPENING',
  },
  { name: 'another owner', segment: 0, path: ['run', 'owner'], value: () => `0x${'66'.repeat(20)}`, code: 'OPENING' },
  { name: 'another nonce', segment: 0, path: ['run', 'nonce'], value: (s) => s.run.baseRoot, code: 'OPENING' },
  { name: 'a longer run', segment: 0, path: ['run', 'steps'], value: () => 3, code: 'OPENING' },
  { name: 'another activation width', segment: 0, path: ['run', 'widths', 'score'], value: () => 15, code: 'OPENING' },
];

describe('a prover who states, of an honest witness,', () => {
  it.each(LIES)('$name: $code', async ({ segment, path, value, code }) => {
    const { statement, witness } = segments[segment];
    const lie = changed(statement, path, value(statement));
    // Where the start is public, it is the one that follows from what is stated.
    const { program } = instanceOf(lie).circuit;
    const start = segment === 0 ? startCells(program, deriveSeed(runId(lie.run), 'adapter')) : [];
    const cells = new Map([...witness.cells, ...start]);
    expect(refused(await proveStatement(lie, { ...witness, cells }))).toBe(code);
  });

  it('a later step: refused', async () => {
    // The first step's witness, with commitments to what is public at a run's start, as the second step.
    const { statement, witness } = segments[0];
    const { adapterIn, momentsIn } = segments[1].statement.segment;
    const lie = { ...statement, segment: { ...statement.segment, first: 1, adapterIn, momentsIn } };
    expect(refused(await proveStatement(lie, witness))).toBe('ROOT');
  });
});

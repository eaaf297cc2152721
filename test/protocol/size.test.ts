/** The size model against real proofs, random walks through shapes nobody proves here, and exhaustive small trees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VerificationError } from '../../protocol/errors.ts';
import { committedOracles, proofHeader, type Instance } from '../../protocol/instance.ts';
import { siblingCount } from '../../protocol/merkle.ts';
import type { LogEntry } from '../../protocol/channel.ts';
import { messageSizes, openingCount, proofSizeBound, sizeOfShape, type Bound } from '../../protocol/size.ts';
import type { Statement } from '../../protocol/statement.ts';
import { verifyProof } from '../../protocol/verify.ts';
import { MICRO, MICRO_DEEP, micro, prove, verify } from '../support/micro.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { MODEL_SHAPES, stepOf } from '../support/shapes.ts';
import { SAMPLE_STATEMENT } from '../support/statements.ts';
import { countedVerifier, randomProof, type Counted } from '../support/walk.ts';

/** Bytes of each label, what opens codes joined. */
function sizesOf(log: readonly LogEntry[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const { label, length } of log) {
    const key = label.replace(/^code\.(rows|siblings|leaves)/, 'code.open');
    if (length > 0) out.set(key, (out.get(key) ?? 0) + length);
  }
  return out;
}

const total = (log: readonly LogEntry[]): number => log.reduce((n, e) => n + e.length, 0);

function expectWithin(size: number, bound: Bound): void {
  expect(size).toBeGreaterThanOrEqual(bound.min);
  expect(size).toBeLessThanOrEqual(bound.max);
}

/** Every message of a log is predicted: exactly, or where codes are opened within bounds. */
function expectPredicted(log: readonly LogEntry[], predicted: ReadonlyMap<string, Bound>): void {
  const actual = sizesOf(log);
  expect([...actual.keys()].sort()).toEqual(
    [...predicted.entries()].flatMap(([k, b]) => (b.max > 0 ? [k] : [])).sort(),
  );
  for (const [label, size] of actual) {
    const bound = predicted.get(label) as Bound;
    if (label.startsWith('code.open')) expectWithin(size, bound);
    else expect({ label, size }).toEqual({ label, size: bound.max });
  }
}

const shapeOf = (instance: Instance) => ({
  params: instance.params,
  circuit: instance.circuit,
  committed: committedOracles(instance),
  headerBytes: instance.header.length,
  losses: instance.losses,
});

describe('the messages of a proof', () => {
  it.each([
    ['AdamW', MICRO],
    ['SGD, two layers and steps', MICRO_DEEP],
  ])('are predicted one by one: %s', async (_, options) => {
    const run = await micro(options);
    const { bytes } = await prove(run.instance, run.witness);
    const shape = shapeOf(run.instance);
    expectPredicted(verify(bytes, run.instance), messageSizes(shape));
    expectWithin(bytes.length, sizeOfShape(shape));
    const hidden = messageSizes({ ...shape, losses: null });
    expect(hidden.get('relations.value')?.max).toBeLessThan(messageSizes(shape).get('relations.value')?.max ?? 0);
  });

  it('are predicted from a statement, for a first segment and a later one', async () => {
    for (const { statement, witness } of await microRun()) {
      const bytes = await proveStatement(statement, witness);
      const bound = proofSizeBound(statement);
      expect(total(verifyProof(bytes).log)).toBe(bytes.length);
      expectWithin(bytes.length, bound);
      // Queries of trees as small as these often meet.
      expect(bound.max / bytes.length).toBeLessThan(1.5);
      expect(Math.abs(bound.expected / bytes.length - 1)).toBeLessThan(0.05);
    }
  });
});

describe('shapes of real models', () => {
  let walker: Counted;
  beforeAll(async () => {
    walker = await countedVerifier({ checks: false, counts: false });
  });
  afterAll(() => walker.remove());

  it.each(['stories260K', 'Llama-3.2-1B'] as const)('%s: a walk reads as many bytes as predicted', (name) => {
    const statement = stepOf(MODEL_SHAPES[name], {}, 2);
    const { log } = walker.verify(randomProof(statement, name)).verified;
    const bound = proofSizeBound(statement);
    expectWithin(total(log), bound);
    expect(bound.max / total(log)).toBeLessThan(1.06);
    expect(Math.abs(bound.expected / total(log) - 1)).toBeLessThan(0.02);
  });

  it('grow with the model far slower than it', () => {
    const sizes = Object.values(MODEL_SHAPES).map((model) => proofSizeBound(stepOf(model)).max);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes.at(-1)).toBeLessThan(5 * sizes[0]);
  });

  it('count the statement itself', () => {
    const [a, b] = [
      SAMPLE_STATEMENT,
      { ...SAMPLE_STATEMENT, run: { ...SAMPLE_STATEMENT.run, tokenizer: '0'.repeat(64) } },
    ];
    expect(proofHeader(a).length).toBe(proofHeader(b).length);
    const longer: Statement = { ...a, run: { ...a.run, nonce: a.run.nonce, rows: { ...a.run.rows, eos: 10 } } };
    expect(proofSizeBound(longer).max - proofSizeBound(a).max).toBe(1);
  });
});

describe('a multi-proof', () => {
  it('of any set of leaves of small trees lies within its bounds, and reaches them', () => {
    for (const depth of [0, 1, 2, 3, 4]) {
      // By number of leaves.
      const fewest = new Array<number>(2 ** depth + 1).fill(Infinity);
      const most = new Array<number>(2 ** depth + 1).fill(0);
      for (let set = 1; set < 2 ** (2 ** depth); set++) {
        const indices = Array.from({ length: 2 ** depth }, (_, i) => i).filter((i) => (set >> i) % 2 === 1);
        const count = siblingCount(depth, indices);
        fewest[indices.length] = Math.min(fewest[indices.length], count);
        most[indices.length] = Math.max(most[indices.length], count);
      }
      for (const queries of [1, 2, 3, 5, 16, 20]) {
        const sets = Array.from({ length: Math.min(queries, 2 ** depth) }, (_, i) => i + 1);
        const count = openingCount(depth, queries);
        expect(count.leaves).toMatchObject({ min: 1, max: sets.length });
        const all = (of: (leaves: number) => number): number[] => sets.map(of);
        expect(count.siblings.min).toBe(Math.min(...all((n) => fewest[n])));
        expect(count.siblings.max).toBe(Math.max(...all((n) => most[n])));
        for (const leafBytes of [8, 32, 400]) {
          const { min, max } = count.bytes(leafBytes);
          expect(min).toBe(Math.min(...all((n) => leafBytes * n + 32 * fewest[n])));
          expect(max).toBe(Math.max(...all((n) => leafBytes * n + 32 * most[n])));
        }
      }
    }
  });

  it('has its mean size over all draws', () => {
    const [depth, queries] = [2, 3];
    let [leaves, siblings] = [0, 0];
    const draws = 4 ** queries;
    for (let draw = 0; draw < draws; draw++) {
      const indices = new Set(Array.from({ length: queries }, (_, i) => Math.floor(draw / 4 ** i) % 4));
      leaves += indices.size / draws;
      siblings += siblingCount(depth, [...indices].sort()) / draws;
    }
    const count = openingCount(depth, queries);
    expect(count.leaves.expected).toBeCloseTo(leaves, 9);
    expect(count.siblings.expected).toBeCloseTo(siblings, 9);
  });
});

describe('hostile statements', () => {
  it('are refused by name', () => {
    const refused =
      (run: object): (() => unknown) =>
      () =>
        proofSizeBound({ ...SAMPLE_STATEMENT, run: { ...SAMPLE_STATEMENT.run, ...run } });
    expect(refused({ protocol: 'zklora/2' })).toThrow(VerificationError);
    expect(refused({ parameters: 'lax' })).toThrow(expect.objectContaining({ code: 'PARAMETERS' }));
    const { model, widths } = SAMPLE_STATEMENT.run;
    expect(refused({ model: { ...model, hiddenSize: 2 ** 16, layers: 512, vocabSize: 2 ** 20 } })).toThrow(
      expect.objectContaining({ code: 'SOUNDNESS' }),
    );
    expect(refused({ widths: { ...widths, gate: 27 } })).toThrow(expect.objectContaining({ code: 'PROGRAM' }));
  });
});

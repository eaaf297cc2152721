/** The cost model bounds what the verifier does, and not by much. */
import { afterAll, describe, expect, it } from 'vitest';
import { ascii } from '../../protocol/bytes.ts';
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import { RATES, STAGES, millisecondsOf, verificationCost } from '../../protocol/cost.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { decodeStatement, type Statement } from '../../protocol/statement.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { MODEL_SHAPES, stepOf } from '../support/shapes.ts';
import { SAMPLE_RUN, SAMPLE_STATEMENT } from '../support/statements.ts';
import { countedVerifier, randomProof, type Counted, type Counts } from '../support/walk.ts';

const made: Counted[] = [];
afterAll(async () => {
  for (const one of made) await one.remove();
});

async function counted(checks: boolean): Promise<Counted> {
  const one = await countedVerifier({ checks, counts: true });
  made.push(one);
  return one;
}

/** @param share of the model's counts that are found at least */
function expectBounded(counts: Counts, statement: Statement, share: Counts): void {
  const { work } = verificationCost(statement);
  for (const unit of ['products', 'powers', 'compressions'] as const) {
    expect(counts[unit], unit).toBeLessThanOrEqual(work[unit]);
    expect(counts[unit], unit).toBeGreaterThan(share[unit] * work[unit]);
  }
}

describe('the verifier’s work', () => {
  it('on real proofs is at most the model’s', async () => {
    const verifier = await counted(true);
    for (const { statement, witness } of await microRun()) {
      const bytes = await proveStatement(statement, witness);
      const { verified, counts } = verifier.verify(bytes);
      expect(verified.statement).toEqual(statement);
      expectBounded(counts, statement, { products: 0.3, powers: 0.5, compressions: 0.7 });
    }
  });

  it.each([
    ['stories260K', stepOf(MODEL_SHAPES.stories260K, {}, 0)],
    ['stories260K, losses hidden, two steps', stepOf(MODEL_SHAPES.stories260K, { losses: 'hidden' }, 2, 2)],
    ['SmolLM2-135M', stepOf(MODEL_SHAPES['SmolLM2-135M'], {}, 2)],
    [
      'all targets, SGD, limbs of 8 bits',
      stepOf(MODEL_SHAPES.stories260K, {
        lora: {
          rank: 3,
          alpha: 3,
          targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
        },
        optimizer: { kind: 'sgd', lr: '0.01', momentum: '0.9', schedule: { kind: 'linear', warmup: 1 } },
        widths: { ...SAMPLE_RUN.widths, widest: 8 },
      }),
    ],
    ['odd dimensions', stepOf({ ...MODEL_SHAPES.stories260K, hiddenSize: 35, intermediateSize: 45, headDim: 6 })],
  ])('on a walk through %s is at most the model’s', async (name, statement) => {
    const walker = made[1] ?? (await counted(false));
    const { counts } = walker.verify(randomProof(statement, name));
    expectBounded(counts, statement, { products: 0.4, powers: 0.7, compressions: 0.85 });
  });
});

describe('a prediction', () => {
  it('is the sum of its stages at the rates', () => {
    const { work, stages, milliseconds } = verificationCost(SAMPLE_STATEMENT);
    expect(stages.map((s) => s.stage)).toEqual(STAGES);
    expect(milliseconds).toBeCloseTo(
      stages.reduce((n, s) => n + s.milliseconds, 0),
      6,
    );
    expect(millisecondsOf(work)).toBeCloseTo(milliseconds, 6);
    expect(Object.keys(work).sort()).toEqual(Object.keys(RATES).sort());
  });

  const change = (run: object, first = 2): Statement => stepOf(MODEL_SHAPES.stories260K, run, first);
  const { model, lora, widths } = SAMPLE_RUN;
  it.each<[string, Statement, (cost: ReturnType<typeof verificationCost>) => number]>([
    ['a public start', change({}, 0), ({ work }) => work.cells],
    ['rows to shuffle', change({ dataRows: 200_000 }), ({ work }) => work.draws],
    ['a large table', change({ widths: { ...widths, gate: 24 } }), (c) => c.memoryBound],
    ['rows of a large table', change({ widths: { ...widths, gate: 24 } }), ({ work }) => work.integers],
    ['long rows', change({ seqLen: 1024, batch: 1 }), ({ work }) => work.constants],
    ['odd dimensions', change({ model: { ...model, hiddenSize: 255 } }), ({ work }) => work.products],
    ['memory of odd dimensions', change({ model: { ...model, hiddenSize: 255 } }), (c) => c.memoryBound],
    ['many limbs', change({ widths: { ...widths, widest: 3 } }), (c) => c.milliseconds],
    ['a larger adapter', change({ lora: { ...lora, rank: 64, alpha: 64 } }, 0), ({ work }) => work.cells],
  ])('counts %s', (_, statement, of) => {
    expect(of(verificationCost(statement))).toBeGreaterThan(of(verificationCost(change({}))));
  });

  it('knows the epochs that a segment touches', () => {
    const within = verificationCost(stepOf(MODEL_SHAPES.stories260K, { dataRows: 4096, steps: 1024 + 64 }, 0, 4));
    const across = verificationCost(stepOf(MODEL_SHAPES.stories260K, { dataRows: 4096, steps: 1024 + 64 }, 1022, 4));
    const drawn = 5 * 8 * (64 + 64);
    expect(across.work.draws).toBe(2 * (within.work.draws - drawn));
  });
});

describe('any statement that decodes', () => {
  const random = new UniformStream(new Uint8Array(32).fill(0xc0), 'cost');
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  const SIZES = [1, 2, 3, 8, 17, 26, 28, 64, 255, 1024, 4095, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 24];

  it('has a finite cost, or is refused by name', () => {
    const paths = [
      ...Object.keys(SAMPLE_RUN.model).flatMap((k) => (k.startsWith('r') ? [] : [['run', 'model', k]])),
      ...Object.keys(SAMPLE_RUN.widths).map((k) => ['run', 'widths', k]),
      ...['batch', 'seqLen', 'dataRows', 'steps'].map((k) => ['run', k]),
      ['run', 'lora', 'rank'],
    ];
    const codes = Array.from({ length: 200 }, () => {
      const copy = structuredClone(SAMPLE_STATEMENT) as unknown as Record<string, unknown>;
      for (let n = 1 + random.below(3); n > 0; n--) {
        const path = pick(paths);
        const holder = path.slice(0, -1).reduce((node, key) => node[key] as Record<string, unknown>, copy);
        holder[path.at(-1) as string] = pick(SIZES);
      }
      try {
        const cost = verificationCost(decodeStatement(ascii(canonicalJson(copy as Json))));
        for (const value of [cost.milliseconds, cost.memoryBound, ...Object.values(cost.work)])
          expect(Number.isFinite(value) && value >= 0).toBe(true);
        return 'cost';
      } catch (error) {
        if (error instanceof ProtocolError) return error.code;
        throw error;
      }
    });
    expect(new Set(codes)).toEqual(new Set(['cost', 'STATEMENT_FIELD', 'PROGRAM', 'SOUNDNESS']));
  });
});

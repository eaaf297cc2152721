import { describe, expect, test } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { verificationCost } from '../../protocol/cost.ts';
import { encodeStatement, type RunSpec, type SegmentSpec } from '../../protocol/statement.ts';
import type { Env } from '../../worker/env.ts';
import { MODEL_SHAPES } from '../support/shapes.ts';
import { SAMPLE_RUN, sampleSegment } from '../support/statements.ts';
import { ask, problemIn, withoutKey } from './client.ts';

async function answerTo(run: Partial<RunSpec>, segment: SegmentSpec, env: Env = withoutKey) {
  const statement = encodeStatement({ run: { ...SAMPLE_RUN, ...run }, segment });
  const body = Uint8Array.from(concat(ascii('zkLR'), u32(statement.length), statement));
  const headers = { 'content-type': 'application/octet-stream' };
  return problemIn(await ask('/verify', { method: 'POST', body, headers }, env));
}

describe('a statement that costs too much', () => {
  const { model, widths } = SAMPLE_RUN;
  const heads = { heads: 1, kvHeads: 1, headDim: 1024 };
  const cases: [string, 'time' | 'memory', Partial<RunSpec>, SegmentSpec][] = [
    ['rotary tables', 'time', { seqLen: 2 ** 12, batch: 1, model: { ...model, ...heads } }, sampleSegment(2, 2)],
    ['rows of a lookup table', 'memory', { widths: { ...widths, gate: 26 } }, sampleSegment(2, 2)],
    [
      'blocks of odd dimensions',
      'memory',
      { model: { ...model, hiddenSize: 255, intermediateSize: 255, layers: 3 } },
      sampleSegment(2, 2),
    ],
  ];
  test.each(cases)('%s', async (_, what, run, segment) => {
    const problem = await answerTo(run, segment);
    expect(problem).toMatchObject({ status: 422, code: 'COST', check: 'cost', evidence: { what } });
    expect(problem.evidence!.cost).toBeGreaterThan(problem.evidence!.limit as number);
  });

  test.each([0, 2])('a segment of 7 billion parameters from step %i on is affordable', async (first) => {
    const segment = await answerTo({ model: MODEL_SHAPES['Llama-2-7B'] }, sampleSegment(first, 1));
    expect(segment).toMatchObject({ status: 422, code: 'PROOF_SIZE' });
  });

  test('a size that no verifier accepts is refused before its cost', async () => {
    const problem = await answerTo({ dataRows: 2 ** 24 }, sampleSegment(2, 2));
    expect(problem).toMatchObject({ status: 422, code: 'SOUNDNESS' });
  });

  test.each(['MAX_COST', 'MAX_REQUEST_COST'] as const)('%s is the operator’s', async (setting) => {
    for (const wrong of ['much', '0', '-1', '1.5', '1e9', ' 5', '9'.repeat(30)]) {
      const problem = await answerTo({}, sampleSegment(2, 2), { ...withoutKey, [setting]: wrong });
      expect(problem).toMatchObject({ status: 500, code: 'WORKER_SETTING' });
      expect(problem.detail).toContain(setting);
    }
  });

  test('one that costs more than this worker spends is refused with both numbers', async () => {
    const { milliseconds } = verificationCost({ run: SAMPLE_RUN, segment: sampleSegment(2, 2) });
    const problem = await answerTo({}, sampleSegment(2, 2), { ...withoutKey, MAX_COST: '100' });
    expect(problem).toMatchObject({ code: 'COST', evidence: { what: 'time', limit: 100 } });
    expect(problem.evidence!.cost).toBe(Math.ceil(milliseconds));
    const exact = String(Math.ceil(milliseconds));
    expect((await answerTo({}, sampleSegment(2, 2), { ...withoutKey, MAX_COST: exact })).code).not.toBe('COST');
  });

  test('the control: the sample goes on to its proof', async () => {
    expect((await answerTo({}, sampleSegment(2, 2))).code).not.toBe('COST');
  });
});

import { describe, expect, test } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { encodeStatement, type RunSpec, type SegmentSpec } from '../../protocol/statement.ts';
import app from '../../worker/index.ts';
import { preparationCost } from '../../worker/cost.ts';
import type { Env } from '../../worker/env.ts';
import { SAMPLE_RUN, sampleSegment } from '../support/statements.ts';
import { problemIn, withoutKey } from './client.ts';

async function answerTo(run: Partial<RunSpec>, segment: SegmentSpec, env: Env = withoutKey) {
  const statement = encodeStatement({ run: { ...SAMPLE_RUN, ...run }, segment });
  const body = Uint8Array.from(concat(ascii('zkLR'), u32(statement.length), statement));
  const headers = { 'content-type': 'application/octet-stream' };
  return problemIn(await app.request('http://worker.test/verify', { method: 'POST', body, headers }, env));
}

describe('a statement that costs too much', () => {
  const { model, lora } = SAMPLE_RUN;
  const cases: [string, Partial<RunSpec>, SegmentSpec][] = [
    ['rows to shuffle', { dataRows: 2 ** 24 }, sampleSegment(2, 2)],
    ['rows to shuffle in two epochs', { dataRows: 2 ** 23 - 4096, batch: 2 ** 16, steps: 256 }, sampleSegment(64, 64)],
    [
      'public weights',
      { model: { ...model, hiddenSize: 2 ** 16, layers: 512 }, lora: { ...lora, rank: 4096, alpha: 4096 } },
      sampleSegment(0, 1),
    ],
    ['length of rows', { seqLen: 2 ** 14 }, sampleSegment(2, 2)],
    ['rotary tables', { seqLen: 2 ** 11, model: { ...model, headDim: 1024 } }, sampleSegment(2, 2)],
  ];
  test.each(cases)('%s', async (_, run, segment) => {
    const problem = await answerTo(run, segment);
    expect(problem).toMatchObject({ status: 422, code: 'COST', check: 'cost', evidence: { limit: 2 ** 23 } });
    expect(problem.evidence!.cost).toBeGreaterThan(2 ** 23);
  });

  test('the limit is the operator’s', async () => {
    const problem = await answerTo({}, sampleSegment(2, 2), { ...withoutKey, MAX_PREPARATION: '1000' });
    expect(problem).toMatchObject({ code: 'COST', evidence: { limit: 1000 } });
    const wrong = await answerTo({}, sampleSegment(2, 2), { ...withoutKey, MAX_PREPARATION: 'much' });
    expect(wrong).toMatchObject({ status: 500, code: 'WORKER_SETTING' });
  });

  test('the control: the sample goes on to its proof', async () => {
    expect((await answerTo({}, sampleSegment(2, 2))).code).not.toBe('COST');
  });

  test('the weights of a first segment count, those of a later one are committed', () => {
    const first = preparationCost({ run: SAMPLE_RUN, segment: sampleSegment(0, 2) });
    const later = preparationCost({ run: SAMPLE_RUN, segment: sampleSegment(2, 2) });
    // 5 layers of rank 8: q is 64 → 64, v is 64 → 32.
    expect(first - later).toBe(3 * 5 * 8 * (128 + 96));
  });
});

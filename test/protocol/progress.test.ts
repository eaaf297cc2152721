/** Progress is told and changes nothing. */
import { beforeAll, describe, expect, it } from 'vitest';
import { STAGES } from '../../protocol/cost.ts';
import { Progress } from '../../protocol/progress.ts';
import { verifyProof } from '../../protocol/verify.ts';
import { flipped, refusal } from '../support/messages.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';

let proofs: Uint8Array[];

beforeAll(async () => {
  proofs = [];
  for (const { statement, witness } of await microRun()) proofs.push(await proveStatement(statement, witness));
});

type Call = [done: number, total: number, what: string];

function watched(bytes: Uint8Array): { calls: Call[]; outcome: string } {
  const calls: Call[] = [];
  const outcome = refusal(() => verifyProof(bytes, { onProgress: (...call) => calls.push(call) }));
  return { calls, outcome };
}

describe('a watched verification', () => {
  it('goes from 0 to the proof’s length through every stage in order', () => {
    for (const [segment, bytes] of proofs.entries()) {
      const { calls, outcome } = watched(bytes);
      // The run's first segment alone has a public start.
      const stages = segment === 0 ? STAGES : STAGES.filter((stage) => stage !== 'start');
      expect(outcome).toBe('accepted');
      expect(calls[0]).toEqual([0, bytes.length, 'statement']);
      expect(calls.at(-1)).toEqual([bytes.length, bytes.length, 'digest']);
      expect([...new Set(calls.map(([, , what]) => what))]).toEqual(stages);
      expect(calls.map(([done]) => done)).toEqual(calls.map(([done]) => done).sort((a, b) => a - b));
      expect(calls.every(([done, total]) => Number.isInteger(done) && total === bytes.length)).toBe(true);
      expect(calls.length).toBeLessThan(250);
      // The code argument is told of message by message.
      expect(calls.filter(([, , what]) => what === 'code').length).toBeGreaterThan(3);
    }
  });

  it('says what an unwatched one says', () => {
    const [bytes] = proofs;
    expect(verifyProof(bytes, { onProgress: () => undefined })).toEqual(verifyProof(bytes));
    const places = Array.from({ length: 24 }, (_, i) => Math.floor(((i + 0.5) * bytes.length) / 24));
    for (const at of places) {
      const other = flipped(bytes, at);
      const { calls, outcome } = watched(other);
      expect(outcome).toBe(refusal(() => verifyProof(other)));
      expect(outcome).not.toBe('accepted');
      expect(calls.every(([done, total]) => done < total)).toBe(true);
    }
    expect(watched(bytes.slice(0, 7))).toEqual({ calls: [], outcome: 'MAGIC' });
  });

  it('is ended by what its observer throws', () => {
    const [bytes] = proofs;
    const cancel = new Error('enough');
    const onProgress = (done: number): void => {
      if (done > 0) throw cancel;
    };
    expect(() => verifyProof(bytes, { onProgress })).toThrow(cancel);
  });
});

describe('a bar', () => {
  const stages = STAGES.map((stage) => ({ stage, milliseconds: stage === 'code' ? 80 : stage === 'lookup' ? 20 : 0 }));

  it('moves by the stages’ times, and within the code argument by bytes', () => {
    const calls: Call[] = [];
    const bar = new Progress((...call) => calls.push(call), 1000, stages);
    bar.enter('lookup');
    bar.read(200);
    bar.enter('code');
    for (let at = 201; at <= 1000; at++) bar.read(at);
    bar.enter('digest');
    bar.finish();
    expect(calls[0]).toEqual([0, 1000, 'lookup']);
    expect(calls[1]).toEqual([200, 1000, 'code']);
    expect(calls).toContainEqual([600, 1000, 'code']);
    expect(calls.at(-1)).toEqual([1000, 1000, 'digest']);
    expect(calls.length).toBeLessThanOrEqual(204);
  });
});

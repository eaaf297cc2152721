/** Fiat and Shamir: prover and verifier see one transcript, and every challenge depends on every message before it. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { concat, toHex } from '../../protocol/bytes.ts';
import { Transcript } from '../../protocol/transcript.ts';
import type { ProofResult } from '../../prover/prove.ts';
import { flipped, messages } from '../support/messages.ts';
import { micro, prove, verify, type Ran } from '../support/micro.ts';

/** What was done to a transcript. */
type Step =
  | { readonly kind: 'absorb'; readonly label: string; readonly data: Uint8Array }
  | { readonly kind: 'challenge'; readonly label: string }
  | { readonly kind: 'indices'; readonly label: string; readonly count: number; readonly bits: number };

let run: Ran;
let proof: ProofResult;

beforeAll(async () => {
  run = await micro();
  proof = await prove(run.instance, run.witness);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Steps of a transcript while the proof is verified. */
function recorded(): Step[] {
  const steps: Step[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the spies' own this
  const { absorb, challenge, indices } = Transcript.prototype;
  let inside = false;
  const outer = <T>(step: Step, action: () => T): T => {
    if (inside) return action();
    steps.push(step);
    inside = true;
    try {
      return action();
    } finally {
      inside = false;
    }
  };
  vi.spyOn(Transcript.prototype, 'absorb').mockImplementation(function (this: Transcript, label, data) {
    outer({ kind: 'absorb', label, data }, () => absorb.call(this, label, data));
  });
  vi.spyOn(Transcript.prototype, 'challenge').mockImplementation(function (this: Transcript, label) {
    return outer({ kind: 'challenge', label }, () => challenge.call(this, label));
  });
  vi.spyOn(Transcript.prototype, 'indices').mockImplementation(function (this: Transcript, label, count, bits) {
    return outer({ kind: 'indices', label, count, bits }, () => indices.call(this, label, count, bits));
  });
  verify(proof.bytes, run.instance);
  vi.restoreAllMocks();
  return steps;
}

/** Challenges of a transcript, as text; null for steps that give none. */
function replay(steps: readonly Step[]): (string | null)[] {
  const transcript = new Transcript();
  return steps.map((step) => {
    if (step.kind === 'challenge') return transcript.challenge(step.label).join();
    if (step.kind === 'indices') return transcript.indices(step.label, step.count, step.bits).join();
    transcript.absorb(step.label, step.data);
    return null;
  });
}

describe('the proof', () => {
  it('has one log on both sides', () => {
    expect(verify(proof.bytes, run.instance)).toEqual(proof.writer.log);
  });

  it('is the logged messages in order, and all but hints are absorbed', () => {
    const list = messages(proof.writer.log);
    const last = list.at(-1);
    expect((last?.at ?? 0) + (last?.length ?? 0)).toBe(proof.bytes.length);
    const bound = list.filter((m) => m.kind !== 'hint');
    const absorbed = recorded().filter((s) => s.kind === 'absorb');
    expect(absorbed.map((s) => s.label)).toEqual(bound.map((m) => m.label));
    const bytes = concat(...bound.map((m) => proof.bytes.subarray(m.at, m.at + m.length)));
    expect(toHex(concat(...absorbed.map((s) => s.data)))).toBe(toHex(bytes));
  });

  it('leaves out only what a Merkle root binds', () => {
    const hints = new Set(
      messages(proof.writer.log).flatMap((m) => (m.kind === 'hint' ? [m.label.split('.')[1]] : [])),
    );
    expect([...hints].sort()).toEqual(['leaves', 'rows', 'siblings']);
  });
});

describe('challenges', () => {
  it('all change with any message before them, and none with a later one', () => {
    const steps = recorded();
    const honest = replay(steps);
    const wrong: string[] = [];
    steps.forEach((step, at) => {
      if (step.kind !== 'absorb') return;
      const other = replay(steps.with(at, { ...step, data: flipped(step.data, step.data.length - 1) }));
      honest.forEach((value, i) => {
        if (value !== null && (value === other[i]) !== i < at) wrong.push(`${step.label} ${at}: ${i}`);
      });
    });
    expect(honest.filter((v) => v !== null).length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  it('change when two messages trade bytes, labels or places', () => {
    const challenge = (...list: [string, number[]][]): string => {
      const transcript = new Transcript();
      for (const [label, data] of list) transcript.absorb(label, Uint8Array.from(data));
      return transcript.challenge('x').join();
    };
    const all = [
      challenge(),
      challenge(['a', []]),
      challenge(['a', [1, 2]]),
      challenge(['a', [1]], ['a', [2]]),
      challenge(['a', [2]], ['a', [1]]),
      challenge(['a', [1]], ['b', [2]]),
      challenge(['ab', [1]]),
      challenge(['a', [98, 1]]),
      challenge(['b', [1, 2]]),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('differ in a row and by label', () => {
    const transcript = new Transcript();
    const first = [transcript.challenge('x'), transcript.challenge('x'), transcript.challenge('y')];
    const [other, same] = [new Transcript(), new Transcript()];
    expect(new Set([...first, other.challenge('y')].map(String)).size).toBe(4);
    expect(same.challenge('x')).toEqual(first[0]);
  });
});

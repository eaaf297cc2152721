/** Bodies that are too long, too short, too slow, or break off. */
import { describe, expect, test, vi } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { proofSizeBound } from '../../protocol/size.ts';
import { MAX_STATEMENT_BYTES } from '../../protocol/statement-schema.ts';
import { encodeStatement } from '../../protocol/statement.ts';
import { bodySeconds, BodyReader } from '../../worker/body.ts';
import { estimate, MAX_HEAD_BYTES, readHead, readProof } from '../../worker/cost.ts';
import type { Env } from '../../worker/env.ts';
import { places } from '../../worker/limits/places.ts';
import { Problem } from '../../worker/problems.ts';
import { SAMPLE_STATEMENT } from '../support/statements.ts';
import { ask, problemIn, withKey } from './client.ts';

const statement = encodeStatement(SAMPLE_STATEMENT);
const head = Uint8Array.from(concat(ascii('zkLR'), u32(statement.length), statement));
const { min, max } = proofSizeBound(SAMPLE_STATEMENT);
const KIB = 1024;

/** A body that comes in pieces, and how many were asked for. */
function pieces(of: (i: number) => Uint8Array | null): { stream: ReadableStream<Uint8Array>; pulled: () => number } {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = of(pulled++);
        if (piece === null) controller.close();
        else controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, pulled: () => pulled };
}

/** The statement, then zeros without end. */
const endless = (i: number): Uint8Array => (i === 0 ? head : new Uint8Array(16 * KIB));

const post = (body: BodyInit, bindings: Env = withKey, headers: Record<string, string> = {}): Promise<Response> =>
  ask(
    '/verify',
    { method: 'POST', body, headers: { 'content-type': 'application/octet-stream', ...headers } },
    bindings,
  );

const readerOf = (body: BodyInit, headers: Record<string, string> = {}): BodyReader =>
  new BodyReader(new Request('http://worker.test/', { method: 'POST', body, headers }), 2 ** 23);

describe('nothing behind the front is read of', () => {
  test('what is no proof', async () => {
    const { stream, pulled } = pieces(() => new Uint8Array(16 * KIB));
    expect(await problemIn(await post(stream))).toMatchObject({ status: 400, code: 'MAGIC' });
    expect(pulled()).toBeLessThan(3);
  });

  test('a statement that is too long', async () => {
    const { stream, pulled } = pieces((i) =>
      i === 0 ? Uint8Array.from(concat(ascii('zkLR'), u32(MAX_STATEMENT_BYTES + 1))) : new Uint8Array(16 * KIB),
    );
    expect(await problemIn(await post(stream))).toMatchObject({ status: 400, code: 'STATEMENT_LENGTH' });
    expect(pulled()).toBeLessThan(3);
  });

  test('a statement that is none, as long as may be', async () => {
    const { stream, pulled } = pieces((i) =>
      i === 0 ? Uint8Array.from(concat(ascii('zkLR'), u32(MAX_STATEMENT_BYTES))) : new Uint8Array(16 * KIB),
    );
    expect(await problemIn(await post(stream))).toMatchObject({ status: 400, code: 'STATEMENT_TEXT' });
    expect(pulled()).toBeLessThan(MAX_HEAD_BYTES / (16 * KIB) + 3);
  });

  test('one that costs too much', async () => {
    const { stream, pulled } = pieces(endless);
    expect(await problemIn(await post(stream, { ...withKey, MAX_COST: '10' }))).toMatchObject({ code: 'COST' });
    expect(pulled()).toBeLessThan(3);
  });

  test('one whose proofs are longer than this worker takes', async () => {
    const { stream, pulled } = pieces(endless);
    const problem = await problemIn(await post(stream, { ...withKey, MAX_PROOF_BYTES: String(min - 1) }));
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE', evidence: { min, max, limit: min - 1 } });
    expect(pulled()).toBeLessThan(3);
  });

  test.each([
    ['shorter', min - 1],
    ['longer', max + 1],
  ])('one with a body that says it is %s than any of its proofs', async (_, length) => {
    const { stream, pulled } = pieces(endless);
    const problem = await problemIn(await post(stream, withKey, { 'content-length': String(length) }));
    expect(problem).toMatchObject({
      status: 422,
      code: 'PROOF_SIZE',
      check: 'size',
      evidence: { found: length, min, max },
    });
    expect(pulled()).toBeLessThan(3);
  });
});

describe('a body without a length', () => {
  test('is read no further than a proof may be long', async () => {
    const { stream, pulled } = pieces(endless);
    const problem = await problemIn(await post(stream));
    expect(problem).toMatchObject({ status: 422, code: 'PROOF_SIZE', evidence: { min, max } });
    expect(pulled()).toBeLessThan(max / (16 * KIB) + 4);
  });

  test('is read no further than the worker takes', async () => {
    const { stream, pulled } = pieces(endless);
    const limit = min + 1000;
    const problem = await problemIn(await post(stream, { ...withKey, MAX_PROOF_BYTES: String(limit) }));
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE', evidence: { limit } });
    expect(pulled()).toBeLessThan(limit / (16 * KIB) + 4);
  });

  test('that ends too early is not verified', async () => {
    const { stream } = pieces((i) => (i < 2 ? endless(i) : null));
    const problem = await problemIn(await post(stream));
    expect(problem).toMatchObject({ code: 'PROOF_SIZE', evidence: { found: head.length + 16 * KIB, min, max } });
  });

  test('of any division is the same body', async () => {
    const whole = Uint8Array.from(concat(head, new Uint8Array(min - head.length).fill(7)));
    for (const size of [1, 7, 4096, whole.length - 1, whole.length]) {
      const step = Math.max(size, size === 1 ? 1 : 7);
      const part = size === 1 ? whole.subarray(0, 400) : whole;
      const { stream } = pieces((i) => (i * step < part.length ? part.slice(i * step, (i + 1) * step) : null));
      const reader = readerOf(stream);
      expect(await reader.whole(whole.length)).toEqual(part);
    }
    const { stream } = pieces((i) => (i * 100 < whole.length ? whole.slice(i * 100, (i + 1) * 100) : null));
    const reader = readerOf(stream);
    const front = await readHead(reader);
    expect(front).toEqual(head);
    expect(await readProof(reader, await estimate(front), withKey)).toEqual(whole);
  });

  test('and without bytes', async () => {
    expect(await problemIn(await post(pieces(() => null).stream))).toMatchObject({ status: 400, code: 'BODY_EMPTY' });
  });
});

describe('a connection', () => {
  test('that breaks leaves a refusal, and no place taken', async () => {
    const before = places.taken;
    const { stream } = pieces((i) => {
      if (i < 2) return endless(i);
      throw new Error('gone');
    });
    const problem = await problemIn(await post(stream));
    expect(problem).toMatchObject({ status: 400, code: 'BODY_CUT' });
    expect(places.taken).toBe(before);
  });

  test('that says nothing more is given up, and leaves its place', async () => {
    // Time passes faster: the limits are in seconds.
    const began = Date.now();
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => began + 1000 * (performance.now() - at));
    const at = performance.now();
    const before = places.taken;
    try {
      let cancelled = false;
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(head.slice(0, 40)),
        pull: () => new Promise<void>((resolve) => setTimeout(resolve, 20)),
        cancel: () => void (cancelled = true),
      });
      const reader = readerOf(stream);
      await reader.upTo(20);
      // Later than bodySeconds(40).
      await scheduler.wait(15);
      const error = await reader.upTo(100).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Problem);
      expect((error as Problem).toBody()).toMatchObject({ status: 408, code: 'BODY_SLOW', evidence: { received: 40 } });
      expect(cancelled).toBe(true);
    } finally {
      clock.mockRestore();
    }
    expect(places.taken).toBe(before);
  });

  test('has ten seconds, and one more for each 64 KiB', () => {
    expect(bodySeconds(0)).toBe(10);
    expect(bodySeconds(2 ** 20)).toBe(26);
  });
});

describe('the front alone is looked at', () => {
  test('for the estimate', async () => {
    const other = Uint8Array.from(concat(head, Uint8Array.of(1, 2, 3)));
    expect(await estimate(head)).toBe(await estimate(head));
    expect((await estimate(other)).size).toEqual((await estimate(head)).size);
  });
});

import { env, exports } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { encodeStatement } from '../../protocol/statement.ts';
import type { Env } from '../../worker/env.ts';
import { root, SAMPLE_STATEMENT } from '../support/statements.ts';
import { ask, problemIn, withKey, withoutKey } from './client.ts';

const BYTES = { 'content-type': 'application/octet-stream' };

const post = (body: BodyInit | null, bindings: Env = withKey, headers: HeadersInit = BYTES): Promise<Response> =>
  ask('/verify', { method: 'POST', body, headers }, bindings);

/** A proof's front: magic, length of the statement, statement. */
const front = (statement: Uint8Array): Uint8Array => concat(ascii('zkLR'), u32(statement.length), statement);
const statement = encodeStatement(SAMPLE_STATEMENT);

describe('bodies that are refused unread', () => {
  test.each(['', 'application/json', 'application/octet-streams', 'multipart/form-data; boundary=x'])(
    'of type "%s"',
    async (type) => {
      const headers: HeadersInit = type === '' ? {} : { 'content-type': type };
      const problem = await problemIn(await post(Uint8Array.of(1, 2, 3), withKey, headers));
      expect(problem).toMatchObject({ status: 415, code: 'MEDIA_TYPE' });
    },
  );

  test('the type may have parameters', async () => {
    const headers = { 'content-type': 'Application/Octet-Stream; charset=binary' };
    expect((await problemIn(await post(Uint8Array.of(1, 2, 3), withKey, headers))).status).toBe(400);
  });

  test('that say they are too long', async () => {
    const bindings = { ...withKey, MAX_PROOF_BYTES: '1000' };
    const headers = { ...BYTES, 'content-length': '1001' };
    const problem = await problemIn(await post(new Uint8Array(1001), bindings, headers));
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE', evidence: { limit: 1000 } });
    expect(problem.detail).toContain('1001 bytes');
  });

  test('8 MiB is the limit where none is set', async () => {
    const headers = { ...BYTES, 'content-length': String(8 * 2 ** 20 + 1) };
    const problem = await problemIn(await post(Uint8Array.of(1), withoutKey, headers));
    expect(problem).toMatchObject({ status: 413, evidence: { limit: 8 * 2 ** 20 } });
  });

  test('a limit that is no number is the operator’s mistake', async () => {
    const problem = await problemIn(await post(Uint8Array.of(1), { ...withKey, MAX_PROOF_BYTES: '8 MB' }));
    expect(problem).toMatchObject({ status: 500, code: 'WORKER_SETTING' });
  });
});

describe('malformed proofs', () => {
  test('nothing', async () => {
    expect(await problemIn(await post(null))).toMatchObject({ status: 400, code: 'BODY_EMPTY' });
  });

  test.each([
    ['other bytes', ascii('hello, this is no proof')],
    ['the magic alone', ascii('zkLR')],
    ['a cut statement', front(statement).subarray(0, 100)],
    ['a statement length beyond the end', concat(ascii('zkLR'), u32(2 ** 32 - 1), statement)],
    ['a statement that is none', front(ascii('{}'))],
    ['a changed magic', concat(ascii('zkLS'), front(statement).subarray(4))],
  ])('%s', async (_, bytes) => {
    const problem = await problemIn(await post(Uint8Array.from(bytes)));
    expect(problem.status).toBe(400);
    expect(problem.check).not.toBeNull();
  });

  test('the field is named', async () => {
    const text = String.fromCharCode(...statement).replace('"batch":4', '"batch":3');
    const problem = await problemIn(await post(Uint8Array.from(front(ascii(text)))));
    expect(problem).toMatchObject({ status: 400, code: 'STATEMENT_FIELD', check: 'statement.run.batch' });
    expect(problem.evidence).toEqual({ offset: expect.any(Number) as number });
  });

  test('a statement without a proof', async () => {
    const problem = await problemIn(await post(Uint8Array.from(front(statement))));
    expect([400, 422]).toContain(problem.status);
  });

  test('any bytes are answered by a problem, and nothing is stored', async () => {
    const before = (await env.PROOFS.list()).objects.length;
    const whole = concat(front(statement), new Uint8Array(64));
    const bodies = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, x]) => {
        const changed = Uint8Array.from(whole);
        changed[at] ^= x;
        return changed;
      }),
      fc.nat(whole.length - 1).map((n) => whole.slice(0, n + 1)),
    );
    const isRefused = async (body: Uint8Array): Promise<void> => {
      const problem = await problemIn(await post(Uint8Array.from(body)));
      expect([400, 422]).toContain(problem.status);
    };
    await fc.assert(fc.asyncProperty(bodies, isRefused), { numRuns: 80 });
    expect((await env.PROOFS.list()).objects.length).toBe(before);
  });
});

describe('other requests', () => {
  test('through the worker’s own entry', async () => {
    const request = new Request('http://worker.test/verify', { method: 'POST', body: 'zkLR', headers: BYTES });
    expect((await problemIn(await exports.default.fetch(request))).status).toBe(400);
    const found = await exports.default.fetch(new Request(`http://worker.test/proofs/${root(0)}`));
    expect(await problemIn(found)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  test('a key that is none is the operator’s mistake, and is not shown', async () => {
    const secret = '0xc0ffee';
    const problem = await problemIn(await ask('/verifiers', {}, { ...withKey, ATTESTER_KEY: secret }));
    expect(problem).toMatchObject({ status: 500, code: 'WORKER_SETTING' });
    expect(JSON.stringify(problem)).not.toContain('c0ffee');
  });
});

import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { parseSignedSegment } from '../../protocol/attestation-json.ts';
import { recoverAddress, segmentAttestationDigest, type Hex } from '../../protocol/attestation.ts';
import { addressOf, AttestationKeyError } from '../../worker/attest.ts';
import { attesterKeys, attesterStates, windowConflict } from '../../worker/attesters.ts';
import type { Env } from '../../worker/env.ts';
import { Store } from '../../worker/store/store.ts';
import { SAMPLE_RUN } from '../support/statements.ts';
import { ask, ATTESTER_KEY, json, NEXT_KEY, problemIn, withKey, withoutKey } from './client.ts';
import { sample, sampleSegment, verifierOf } from './records.ts';

const OPERATOR_KEY = 'operator-key-of-the-tests-0123456789';
const OLD = addressOf(ATTESTER_KEY);
const NEW = addressOf(NEXT_KEY);
const DAY = 86_400;
const START = Date.parse('2027-01-01T00:00:00Z') / 1000;
const store = new Store(env);

const at = (seconds: number): void => void vi.setSystemTime(seconds * 1000);

const put = (path: string, body: object): Promise<Response> =>
  ask(
    path,
    {
      method: 'PUT',
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
    { ...withKey, OPERATOR_KEY },
  );
const announce = (address: Hex, validFrom: number, validUntil: number | null) =>
  put('/operator/attesters', { address, validFrom, validUntil });

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  at(START);
  await env.INDEX.batch(['attesters', 'events'].map((table) => env.INDEX.prepare(`DELETE FROM ${table}`)));
});
afterEach(() => vi.useRealTimers());

describe('the rotation of the attesting key', () => {
  const { bytes, record } = sample({ segment: sampleSegment(0, 2), receivedAt: START - 5 * DAY });

  /** Who attests the record now, by signatures that hold; the first is that of `attestation`. */
  async function attesting(settings: Partial<Env>): Promise<Hex[]> {
    type Answer = { attestation: unknown; attestations: unknown[] };
    const answer = await json<Answer>(`/proofs/${record.proofDigest}`, { ...withoutKey, ...settings });
    expect(answer.attestation).toEqual(answer.attestations[0] ?? null);
    return answer.attestations.map((told) => {
      const { attestation, attester, signature } = parseSignedSegment(told);
      expect(recoverAddress(segmentAttestationDigest(attestation), signature)).toBe(attester);
      expect(attestation.issuedAt).toBe(BigInt(record.receivedAt));
      return attester;
    });
  }

  const listed = async (settings: Partial<Env>) => {
    type Answer = { attester: Hex | null; attesters: { address: Hex; signing: boolean }[] };
    const { attester, attesters } = await json<Answer>('/verifiers', { ...withoutKey, ...settings });
    return { attester, signing: attesters.filter(({ signing }) => signing).map(({ address }) => address) };
  };

  test('old alone, then both, then new alone: at no time nobody', async () => {
    await store.accept(bytes, record);
    const before = { ATTESTER_KEY };
    const both = { ATTESTER_KEY, ATTESTER_KEY_NEXT: NEXT_KEY };
    const after = { ATTESTER_KEY: NEXT_KEY };
    expect(await attesting(before)).toEqual([OLD]);

    // 1. The windows, announced before the secret is there.
    expect((await announce(NEW, START + 10 * DAY, null)).status).toBe(200);
    expect((await announce(OLD, START - 100 * DAY, START + 40 * DAY)).status).toBe(200);
    // 2. The secret; the overlap has not begun.
    expect(await attesting(both)).toEqual([OLD]);
    expect(await listed(both)).toEqual({ attester: OLD, signing: [OLD] });
    // The overlap, to the second: both, for the record of before it too.
    at(START + 10 * DAY - 1);
    expect(await attesting(both)).toEqual([OLD]);
    at(START + 10 * DAY);
    expect(await attesting(both)).toEqual([OLD, NEW]);
    expect(await listed(both)).toEqual({ attester: OLD, signing: [OLD, NEW] });
    // 3. The old key's end.
    at(START + 40 * DAY - 1);
    expect(await attesting(both)).toEqual([OLD, NEW]);
    at(START + 40 * DAY);
    expect(await attesting(both)).toEqual([NEW]);
    expect(await listed(both)).toEqual({ attester: NEW, signing: [NEW] });
    // 4. The new key in the old one's place; an operator who forgets it attests nothing by the old.
    expect(await attesting(after)).toEqual([NEW]);
    expect(await attesting(before)).toEqual([]);
    // The old one is still listed, with its window.
    const { attesters } = await json<{ attesters: unknown[] }>('/verifiers', { ...withoutKey, ...after });
    expect(attesters).toContainEqual({
      address: OLD,
      validFrom: START - 100 * DAY,
      validUntil: START + 40 * DAY,
      signing: false,
    });
  });

  test('a key that leaked ends at once, and does not come back', async () => {
    const leak = START + 100 * DAY;
    at(leak);
    const both = { ATTESTER_KEY, ATTESTER_KEY_NEXT: NEXT_KEY };
    expect((await attesterKeys(both, store, leak)).length).toBe(2);
    expect((await announce(OLD, leak - DAY, leak)).status).toBe(200);
    expect(await attesterKeys(both, store, leak)).toEqual([NEXT_KEY]);
    at(leak + 1);
    expect(await problemIn(await announce(OLD, leak - DAY, null))).toMatchObject({ status: 409, code: 'CONFLICT' });
    expect((await problemIn(await announce(OLD, leak + DAY, leak + 2 * DAY))).code).toBe('CONFLICT');
    // It may end earlier still: the leak was older than thought.
    expect((await announce(OLD, leak - DAY, leak - 100)).status).toBe(200);
    expect(await attesterKeys(both, store, leak + 1)).toEqual([NEXT_KEY]);
  });
});

describe('keys', () => {
  const none = { attesters: async () => [] };

  test('the same one twice is one; an empty one is none; a malformed one is an error', async () => {
    expect(await attesterKeys({ ATTESTER_KEY, ATTESTER_KEY_NEXT: ATTESTER_KEY }, none, START)).toEqual([ATTESTER_KEY]);
    expect(await attesterKeys({ ATTESTER_KEY: '', ATTESTER_KEY_NEXT: NEXT_KEY }, none, START)).toEqual([NEXT_KEY]);
    expect(await attesterKeys({}, none, START)).toEqual([]);
    await expect(attesterKeys({ ATTESTER_KEY, ATTESTER_KEY_NEXT: '0x12' }, none, START)).rejects.toThrow(
      AttestationKeyError,
    );
  });

  test('without a window sign, and are told without times', async () => {
    expect(await attesterStates({ ATTESTER_KEY }, none, START)).toEqual([
      { address: OLD, validFrom: null, validUntil: null, signing: true },
    ]);
  });

  test('a window binds its key in whatever capitals it is stored', async () => {
    const window = { address: OLD.toLowerCase(), validFrom: 0, validUntil: START };
    expect(await attesterKeys({ ATTESTER_KEY }, { attesters: async () => [window] }, START)).toEqual([]);
  });

  test.each([
    [undefined, { validFrom: 1, validUntil: null }, false],
    [{ validFrom: 1, validUntil: null }, { validFrom: 1, validUntil: START - 5 }, false],
    [{ validFrom: 1, validUntil: START + 1 }, { validFrom: 1, validUntil: null }, false],
    [{ validFrom: 1, validUntil: START }, { validFrom: 1, validUntil: null }, true],
    [{ validFrom: 1, validUntil: START }, { validFrom: 1, validUntil: START + 1 }, true],
    [{ validFrom: 1, validUntil: START }, { validFrom: 1, validUntil: START }, false],
  ])('from %j to %j: conflict %j', (kept, window, conflict) => {
    const why = windowConflict({ address: OLD, ...window }, kept && { address: OLD, ...kept }, START);
    expect(why !== null).toBe(conflict);
  });
});

describe('a verifier version', () => {
  const withdraw = (digest: string, reason: string) => put(`/operator/verifiers/${digest}/withdrawal`, { reason });

  test('that is withdrawn counts no more, is told with the reason, and subscribers hear of it once', async () => {
    const verifier = verifierOf('to be withdrawn');
    const run = { ...SAMPLE_RUN, nonce: 'f1'.repeat(32) };
    const { bytes, record } = sample({ run, segment: sampleSegment(0, SAMPLE_RUN.steps), verifier });
    await store.accept(bytes, record);
    const root = record.statement.segment.adapterOut;
    expect(await json(`/adapters/${root}`)).toMatchObject({ status: 'verified' });
    expect(await json(`/proofs/${record.proofDigest}`)).toMatchObject({
      withdrawn: null,
      attestation: { attester: OLD },
    });

    expect((await withdraw(verifier.digest, 'a hole in it')).status).toBe(200);
    const withdrawn = { at: START, reason: 'a hole in it' };
    const { verifiers } = await json<{ verifiers: { digest: string }[] }>('/verifiers');
    expect(verifiers.find(({ digest }) => digest === verifier.digest)).toMatchObject({ withdrawn });
    expect(await json(`/proofs/${record.proofDigest}`)).toMatchObject({
      withdrawn,
      attestation: null,
      attestations: [],
    });
    expect(await json(`/adapters/${root}`)).toMatchObject({ status: 'unknown' });

    // Again: the first stands, with its time, and is told once.
    at(START + 60);
    expect((await withdraw(verifier.digest, 'a hole in it')).status).toBe(200);
    expect(await problemIn(await withdraw(verifier.digest, 'something else'))).toMatchObject({
      status: 409,
      code: 'CONFLICT',
    });
    expect((await store.verifiers()).find(({ digest }) => digest === verifier.digest)?.withdrawn).toEqual(withdrawn);
    const events = env.INDEX.prepare("SELECT data FROM events WHERE type = 'verifier.withdrawn'");
    const told = (await events.all<{ data: string }>()).results.map(({ data }) => JSON.parse(data) as unknown);
    expect(told).toEqual([{ verifier: verifier.digest, reason: 'a hole in it', withdrawnAt: START }]);
  });
});

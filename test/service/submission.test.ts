import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ascii, concat, toHex, u32 } from '../../protocol/bytes.ts';
import { encodeStatement, runDigest, runId, statementHash, type Statement } from '../../protocol/statement.ts';
import { VERIFIER, verifierDigest } from '../../protocol/verify.ts';
import { fetchAdapter, fetchProof, fetchRun } from '../../prover/service/client.ts';
import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';
import { ServiceRefusalError } from '../../prover/service/errors.ts';
import { submitProof } from '../../prover/service/submit.ts';
import { proveTinyRun, type ProvenRun } from '../support/tiny-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'zklora-submission-'));
const attesterKey = generatePrivateKey();
const attester = privateKeyToAccount(attesterKey).address;
const verifier = { ...VERIFIER, digest: toHex(verifierDigest()) };
let worker: LocalWorker;
let proven: ProvenRun;

beforeAll(async () => {
  worker = await startWorker({ attesterKey, stateDir: join(folder, 'worker') });
  proven = await proveTinyRun(folder, 2, 'submission');
});
afterAll(async () => {
  await worker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const digestOf = (index: number): string => toHex(proven.segments[index].verified.proofDigest);

async function refusalOf(bytes: Uint8Array): Promise<ServiceRefusalError> {
  const error = await submitProof(worker.url, bytes).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ServiceRefusalError);
  return error as ServiceRefusalError;
}

/** A proof under another statement. */
function restated(bytes: Uint8Array, change: (statement: Statement) => Statement, from: Statement): Uint8Array {
  const old = encodeStatement(from).length;
  const statement = encodeStatement(change(from));
  return concat(ascii('zkLR'), u32(statement.length), statement, bytes.subarray(8 + old));
}

test('a proof with a changed byte is refused by the check that it fails', async () => {
  const { bytes, verified } = proven.segments[1];
  const front = 8 + encodeStatement(verified.statement).length;
  for (const at of [front + 5, (front + bytes.length) >> 1, bytes.length - 1]) {
    const changed = Uint8Array.from(bytes);
    changed[at] ^= 1;
    const { problem } = await refusalOf(changed);
    expect([400, 422]).toContain(problem.status);
    expect(problem.code).not.toBe('INTERNAL');
  }
  for (const cut of [bytes.subarray(0, -1), concat(bytes, Uint8Array.of(0))])
    expect((await refusalOf(cut)).problem.status).toBe(400);
});

test('a proof of another statement is refused', async () => {
  const { bytes, verified } = proven.segments[1];
  const { statement } = verified;
  const loss = restated(
    bytes,
    (s) => ({ ...s, segment: { ...s.segment, losses: s.segment.losses!.map((n) => n + 1) } }),
    statement,
  );
  const owner = restated(bytes, (s) => ({ ...s, run: { ...s.run, owner: `0x${'0b'.repeat(20)}` } }), statement);
  for (const forged of [loss, owner]) expect((await refusalOf(forged)).problem.status).toBe(422);
  expect(
    await submitProof(
      worker.url,
      restated(bytes, (s) => s, statement),
    ),
  ).toMatchObject({ verdict: 'valid' });
});

test('the last segment alone is attested, its run is not', async () => {
  const { verified } = proven.segments[1];
  const record = await fetchProof(worker.url, digestOf(1));
  expect(record).toMatchObject({ proofDigest: digestOf(1), verifier, statement: verified.statement });
  expect(record!.soundnessBits).toBe(verified.soundnessBits);
  expect(record!.attestation).toMatchObject({ attester });
  const run = await fetchRun(worker.url, proven.run.id);
  const missing = [{ first: 0, steps: 1 }];
  expect(run).toMatchObject({ complete: false, reached: 0, stop: 'missing', missing, final: null });
  const adapter = await fetchAdapter(worker.url, verified.statement.segment.adapterOut);
  expect(adapter!.runs).toMatchObject([{ complete: false, isFinal: false, final: null }]);
});

test('the whole run is attested: final adapter, digest of its statements', async () => {
  // Twice at once: one record.
  const { bytes } = proven.segments[0];
  const [one, other] = await Promise.all([submitProof(worker.url, bytes), submitProof(worker.url, bytes)]);
  expect(one.attestation).toEqual(other.attestation);
  const run = await fetchRun(worker.url, proven.run.id);
  expect(run).toMatchObject({ complete: true, reached: 2, stop: null, missing: [], run: proven.run.spec });
  expect(run!.segments).toHaveLength(2);
  const statements = proven.segments.map((segment) => segment.verified.statement);
  const digest = toHex(runDigest(runId(proven.run.spec), statements.map(statementHash)));
  const adapterRoot = statements[1].segment.adapterOut;
  expect(run!.final).toMatchObject({ adapterRoot, runDigest: digest, proofs: [digestOf(0), digestOf(1)] });
  expect(run!.final!.attestation).toMatchObject({
    attester,
    attestation: { runId: `0x${proven.run.id}`, runDigest: `0x${digest}`, adapterRoot: `0x${adapterRoot}`, steps: 2n },
  });
  const adapter = await fetchAdapter(worker.url, adapterRoot);
  expect(adapter!.runs).toMatchObject([{ runId: proven.run.id, complete: true, isFinal: true, final: run!.final }]);
});

test('a proof that is there is answered from the store', async () => {
  const again = await submitProof(worker.url, proven.segments[0].bytes);
  expect(again).toMatchObject({ stored: 'before', timings: { verifyMs: null } });
  expect(again).toMatchObject({ ...(await fetchProof(worker.url, digestOf(0))) });
  const raw = await fetch(`${worker.url}/proofs/${digestOf(0)}/raw`);
  expect(new Uint8Array(await raw.arrayBuffer())).toEqual(proven.segments[0].bytes);
});

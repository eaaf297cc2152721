import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import {
  ATTESTATION_DOMAIN,
  ATTESTATION_TYPES,
  type Hex,
  type SegmentAttestation,
} from '../../protocol/attestation.ts';
import { ascii, toHex } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/hash.ts';
import { runId, statementHash } from '../../protocol/statement.ts';
import { fetchAdapter, fetchProof, fetchProofBytes, fetchRun, fetchVerifiers } from '../../prover/service/client.ts';
import {
  InsecureUrlError,
  ServiceAnswerError,
  ServiceJobError,
  ServiceRefusalError,
  ServiceUnreachableError,
  ServiceUrlError,
} from '../../prover/service/errors.ts';
import { submitProof, type Waiting } from '../../prover/service/submit.ts';
import { root, SAMPLE_RUN, SAMPLE_STATEMENT } from '../support/statements.ts';

/** What the server of these tests answers next. */
interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

let server: Server;
let base: string;
/** The last one stays. */
let answers: Answer[];
let asked: { method: string; path: string; type: string | undefined; key: string | undefined; body: Buffer }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const { authorization: key } = headers;
      asked.push({ method, path: url, type: headers['content-type'], key, body: Buffer.concat(chunks) });
      const next = answers.length > 1 ? answers.shift()! : answers[0];
      const type = { 'content-type': next.type ?? 'application/json' };
      response.writeHead(next.status ?? 200, { ...type, ...next.headers }).end(next.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
beforeEach(() => {
  asked = [];
});
afterAll(() => server.close());

const answerWith = (...values: unknown[]): void => {
  answers = values.map((value) => ({ body: JSON.stringify(value) }));
};

const proof = ascii('the bytes of a proof');
const account = privateKeyToAccount(generatePrivateKey());
const verifier = { id: 'zklora-verifier', version: '0.1.0', codeHash: root(0xc0), digest: root(0x5f) };

/** The answer to a proof that was verified; `issuedAt` is what the attester signs. */
async function submitted(issuedAt = 1_763_800_000n): Promise<Record<string, unknown>> {
  const message: SegmentAttestation = {
    statementHash: `0x${toHex(statementHash(SAMPLE_STATEMENT))}`,
    proofDigest: `0x${toHex(sha256(proof))}`,
    verifier: `0x${verifier.digest}`,
    owner: SAMPLE_RUN.owner as Hex,
    issuedAt,
  };
  const types = ATTESTATION_TYPES;
  const signature = await account.signTypedData({
    domain: ATTESTATION_DOMAIN,
    types,
    primaryType: 'SegmentAttestation',
    message,
  });
  const attestation = {
    attestation: { ...message, issuedAt: '1763800000' },
    attester: account.address,
    signature,
  };
  return {
    verdict: 'valid',
    stored: 'now',
    proofDigest: toHex(sha256(proof)),
    proofBytes: proof.length,
    statementHash: toHex(statementHash(SAMPLE_STATEMENT)),
    runId: toHex(runId(SAMPLE_RUN)),
    verifier,
    soundnessBits: 102,
    receivedAt: 1_763_800_000,
    statement: SAMPLE_STATEMENT,
    timings: { bodyMs: 1, verifyMs: 0, storeMs: 2, note: 'the clock stands still' },
    withdrawn: null,
    attestation,
    attestations: [attestation],
  };
}

describe('a proof that is taken', () => {
  test('comes back as what was verified and who attests it', async () => {
    answerWith(await submitted());
    const result = await submitProof(`${base}/`, proof);
    expect(result.statement).toEqual(SAMPLE_STATEMENT);
    expect(result).toMatchObject({ stored: 'now', soundnessBits: 102, verifier });
    expect(result.attestation).toMatchObject({ attester: account.address, attestation: { issuedAt: 1_763_800_000n } });
    expect(asked).toEqual([
      { method: 'POST', path: '/verify', type: 'application/octet-stream', key: undefined, body: Buffer.from(proof) },
    ]);
  });

  test('without attestation', async () => {
    answerWith({ ...(await submitted()), attestation: null, attestations: [] });
    expect((await submitProof(base, proof)).attestation).toBeNull();
  });
});

describe('answers that are not believed', () => {
  const refused = async (answer: unknown): Promise<string> => {
    answerWith(answer);
    const error: unknown = await submitProof(base, proof).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ServiceAnswerError);
    return (error as ServiceAnswerError).message;
  };

  test('of another proof', async () => {
    expect(await refused({ ...(await submitted()), proofDigest: root(1) })).toContain('another proof');
  });

  test('with a signature of something else', async () => {
    expect(await refused(await submitted(1n))).toContain('signature is not the attester’s');
  });

  test('with a second attestation that somebody else signed', async () => {
    const good = await submitted();
    const [attestation] = good.attestations as { attester: string }[];
    const forged = { ...attestation, attester: `0x${'77'.repeat(20)}` };
    expect(await refused({ ...good, attestations: [attestation, forged] })).toContain(
      'signature is not the attester’s',
    );
  });

  test('of bytes that have another digest', async () => {
    answers = [{ type: 'application/octet-stream', body: 'the bytes of another proof' }];
    await expect(fetchProofBytes(base, toHex(sha256(proof)))).rejects.toThrow(/another digest/);
    answers = [{ type: 'application/octet-stream', body: Buffer.from(proof).toString() }];
    expect(await fetchProofBytes(base, toHex(sha256(proof)))).toEqual(proof);
  });

  test('with a statement that is none', async () => {
    const run = { ...SAMPLE_RUN, batch: 3 };
    const message = await refused({ ...(await submitted()), statement: { ...SAMPLE_STATEMENT, run } });
    expect(message).toContain('statement.run.batch');
    expect(await refused({ ...(await submitted()), statement: { half: 0.5 } })).toContain('statement');
  });

  test('without a field', async () => {
    expect(await refused({ ...(await submitted()), soundnessBits: undefined })).toContain('soundnessBits');
  });

  test('of something that is no such service', async () => {
    answers = [{ type: 'text/html', body: '<html>welcome</html>' }];
    await expect(fetchVerifiers(base)).rejects.toThrow(/not understood: no JSON begins with "<html>/);
    answers = [{ status: 502, type: 'text/plain', body: 'bad gateway' }];
    await expect(fetchVerifiers(base)).rejects.toThrow(/status 502: bad gateway/);
    answers = [{ status: 400, type: 'application/problem+json', body: '{"title":"?"}' }];
    await expect(fetchVerifiers(base)).rejects.toThrow(ServiceAnswerError);
  });

  test('about another run, adapter or proof than asked for', async () => {
    const record = await submitted();
    answerWith(record);
    await expect(fetchProof(base, root(9))).rejects.toThrow(/another proof/);
    answerWith({
      runId: root(1),
      run: SAMPLE_RUN,
      complete: false,
      reached: 0,
      stop: 'missing',
      missing: [{ first: 0, steps: 2 }],
      segments: [{ ...record, ...SAMPLE_STATEMENT.segment, verifier: verifier.digest }],
      moreSegments: 0,
      losses: [],
      final: null,
    });
    expect((await fetchRun(base, root(1)))?.missing).toEqual([{ first: 0, steps: 2 }]);
    await expect(fetchRun(base, root(9))).rejects.toThrow(/another run/);
  });
});

describe('refusals', () => {
  const problem = {
    type: 'urn:zklora:problem:SUMCHECK',
    title: 'The proof does not hold',
    status: 422,
    detail: 'round 3 does not add up',
    code: 'SUMCHECK',
    check: 'relations',
    next: 'Prove this segment again.',
    evidence: { round: 3 },
  };

  test('are shown with check, evidence and what to do', async () => {
    answers = [{ status: 422, type: 'application/problem+json', body: JSON.stringify(problem) }];
    const error = await submitProof(base, proof).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ServiceRefusalError);
    expect(error).toMatchObject({
      message: `${base}/verify refused with 422 SUMCHECK (check relations, round 3): round 3 does not add up`,
      next: 'Prove this segment again.',
      problem: { status: 422, code: 'SUMCHECK', evidence: { round: 3 } },
    });
  });

  test('of an unknown id are no errors', async () => {
    const body = JSON.stringify({ ...problem, status: 404, code: 'NOT_FOUND', check: null });
    answers = [{ status: 404, type: 'application/problem+json', body }];
    expect(await fetchAdapter(base, root(1))).toBeNull();
    expect(asked[0].path).toBe(`/adapters/${root(1)}`);
    await expect(submitProof(base, proof)).rejects.toThrow(ServiceRefusalError);
  });
});

describe('a service that has no time', () => {
  const busy = (headers: Record<string, string>, status = 429): Answer => {
    const body = JSON.stringify({
      type: 'urn:zklora:problem:RATE',
      title: 'Too many requests',
      status,
      detail: 'too many',
      code: 'RATE',
      check: null,
      next: 'Wait.',
    });
    return { status, type: 'application/problem+json', headers, body };
  };
  const good = async (): Promise<Answer> => ({ body: JSON.stringify(await submitted()) });

  test.each([429, 503])('is asked again when it says so (%i)', async (status) => {
    answers = [busy({ 'retry-after': '1' }, status), busy({ 'retry-after': '0' }, status), await good()];
    const waits: Waiting[] = [];
    const result = await submitProof(base, proof, { onWait: (waiting) => waits.push(waiting) });
    expect(result.stored).toBe('now');
    expect(waits).toEqual([
      { state: 'busy', seconds: 1 },
      { state: 'busy', seconds: 1 },
    ]);
    expect(asked).toHaveLength(3);
    expect(asked[2].body).toEqual(Buffer.from(proof));
  });

  test.each([[{}], [{ 'retry-after': '100000' }], [{ 'retry-after': 'tomorrow' }]])(
    'is not waited for without end: %j',
    async (headers) => {
      answers = [busy(headers)];
      await expect(submitProof(base, proof)).rejects.toThrow(ServiceRefusalError);
      expect(asked).toHaveLength(1);
    },
  );

  test('a refusal of another kind is final', async () => {
    answers = [busy({ 'retry-after': '1' }, 422)];
    await expect(submitProof(base, proof)).rejects.toThrow(ServiceRefusalError);
    expect(asked).toHaveLength(1);
  });
});

describe('a service that verifies in a job', () => {
  const job = (state: string, problem: unknown = null): Answer => {
    const digest = toHex(sha256(proof));
    const value = { id: 'job-1', proofDigest: digest, state, submittedAt: 1, endedAt: null, problem };
    return {
      status: state === 'queued' ? 202 : 200,
      headers: { location: '/jobs/job-1' },
      body: JSON.stringify(value),
    };
  };

  test('is asked until it has a verdict', async () => {
    answers = [job('queued'), job('verifying'), job('valid'), { body: JSON.stringify(await submitted()) }];
    const states: string[] = [];
    const result = await submitProof(base, proof, { key: 'zkl_secret', onWait: ({ state }) => states.push(state) });
    expect(result).toMatchObject({ verdict: 'valid', stored: 'now', timings: null, soundnessBits: 102 });
    expect(states).toEqual(['queued', 'verifying']);
    expect(asked.map(({ path }) => path)).toEqual([
      '/verify',
      '/jobs/job-1',
      '/jobs/job-1',
      `/proofs/${toHex(sha256(proof))}`,
    ]);
    expect(asked[0].key).toBe('Bearer zkl_secret');
  });

  test('that refuses the proof says why', async () => {
    const problem = {
      type: 'urn:zklora:problem:RELATIONS',
      title: 'What was sent does not hold',
      status: 422,
      detail: 'the check RELATIONS failed',
      code: 'RELATIONS',
      check: 'relations',
      next: 'Prove this segment again.',
    };
    answers = [job('queued'), job('refused', problem)];
    await expect(submitProof(base, proof)).rejects.toMatchObject({ problem: { code: 'RELATIONS' } });
    answers = [job('queued'), job('failed')];
    await expect(submitProof(base, proof)).rejects.toThrow(ServiceJobError);
  });

  test('that says it is valid and does not have it is not believed', async () => {
    const problem = {
      type: 'urn:zklora:problem:NOT_FOUND',
      title: 'Not found',
      status: 404,
      detail: 'no proof',
      code: 'NOT_FOUND',
      check: null,
      next: 'Submit it.',
    };
    answers = [
      job('queued'),
      job('valid'),
      { status: 404, type: 'application/problem+json', body: JSON.stringify(problem) },
    ];
    await expect(submitProof(base, proof)).rejects.toThrow(/not stored/);
  });
});

describe('an API key', () => {
  test('crosses no network in the clear', async () => {
    await expect(submitProof('http://verify.example', proof, { key: 'zkl_secret' })).rejects.toThrow(InsecureUrlError);
  });
});

describe('services that are not there', () => {
  test('a port where nothing listens', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as { port: number };
    gone.close();
    await once(gone, 'close');
    const error = await fetchVerifiers(`http://127.0.0.1:${port}`).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ServiceUnreachableError);
    expect((error as Error).message).toContain('the connection is refused');
  });

  test.each(['', 'localhost:8787', 'ftp://host', 'http://'])('"%s" is no URL of one', async (url) => {
    await expect(fetchVerifiers(url)).rejects.toThrow(ServiceUrlError);
  });
});

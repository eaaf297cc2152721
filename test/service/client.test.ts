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
import { fetchAdapter, fetchProof, fetchRun, fetchVerifiers, submitProof } from '../../prover/service/client.ts';
import {
  ServiceAnswerError,
  ServiceRefusalError,
  ServiceUnreachableError,
  ServiceUrlError,
} from '../../prover/service/errors.ts';
import { root, SAMPLE_RUN, SAMPLE_STATEMENT } from '../support/statements.ts';

/** What the server of these tests answers next. */
interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
}

let server: Server;
let base: string;
let next: Answer;
let asked: { method: string; path: string; type: string | undefined; body: Buffer }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, path: url, type: headers['content-type'], body: Buffer.concat(chunks) });
      response.writeHead(next.status ?? 200, { 'content-type': next.type ?? 'application/json' }).end(next.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
beforeEach(() => {
  asked = [];
});
afterAll(() => server.close());

const answerWith = (value: unknown): void => {
  next = { body: JSON.stringify(value) };
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
    attestation: { attestation: { ...message, issuedAt: '1763800000' }, attester: account.address, signature },
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
      { method: 'POST', path: '/verify', type: 'application/octet-stream', body: Buffer.from(proof) },
    ]);
  });

  test('without attestation', async () => {
    answerWith({ ...(await submitted()), attestation: null });
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
    next = { type: 'text/html', body: '<html>welcome</html>' };
    await expect(fetchVerifiers(base)).rejects.toThrow(/not understood: no JSON begins with "<html>/);
    next = { status: 502, type: 'text/plain', body: 'bad gateway' };
    await expect(fetchVerifiers(base)).rejects.toThrow(/status 502: bad gateway/);
    next = { status: 400, type: 'application/problem+json', body: '{"title":"?"}' };
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
    next = { status: 422, type: 'application/problem+json', body: JSON.stringify(problem) };
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
    next = { status: 404, type: 'application/problem+json', body };
    expect(await fetchAdapter(base, root(1))).toBeNull();
    expect(asked[0].path).toBe(`/adapters/${root(1)}`);
    await expect(submitProof(base, proof)).rejects.toThrow(ServiceRefusalError);
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

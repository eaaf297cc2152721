import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { encodeStatement } from '../../protocol/statement.ts';
import { fetchAdapter, fetchProof, fetchRun, fetchVerifiers } from '../../prover/service/client.ts';
import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';
import { LocalWorkerError, ServiceRefusalError, ServiceUnreachableError } from '../../prover/service/errors.ts';
import { submitProof } from '../../prover/service/submit.ts';
import { root, SAMPLE_STATEMENT } from '../support/statements.ts';

const folders: string[] = [];
const temporary = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'zklora-worker-')));
  return folders.at(-1)!;
};
const attesterKey = generatePrivateKey();
const state = temporary();
let worker: LocalWorker;

beforeAll(async () => {
  worker = await startWorker({ attesterKey, stateDir: state });
});
afterAll(async () => {
  await worker.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function refusalOf(promise: Promise<unknown>): Promise<ServiceRefusalError> {
  const error = await promise.then(
    () => new Error('no refusal'),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ServiceRefusalError);
  return error as ServiceRefusalError;
}

const answers = (url: string): Promise<boolean> =>
  fetchVerifiers(url).then(
    () => true,
    (error: unknown) => {
      expect(error).toBeInstanceOf(ServiceUnreachableError);
      return false;
    },
  );

describe('the local worker', () => {
  test('attests by the key given, which only its owner can read', async () => {
    const { attester, verifiers } = await fetchVerifiers(worker.url);
    expect(attester).toBe(privateKeyToAccount(attesterKey).address);
    expect(verifiers).toHaveLength(1);
    expect(statSync(join(state, 'worker.env')).mode & 0o777).toBe(0o600);
  });

  test('refuses bytes that are no proof, and says why', async () => {
    const error = await refusalOf(submitProof(worker.url, ascii('this is no proof at all')));
    expect(error.problem).toMatchObject({ status: 400, check: 'proof' });
    expect(error.message).toContain('400');
    expect(error.next).toContain('byte for byte');
  });

  test('names the field of a statement that is wrong', async () => {
    const text = String.fromCharCode(...encodeStatement(SAMPLE_STATEMENT)).replace('"batch":4', '"batch":3');
    const error = await refusalOf(submitProof(worker.url, concat(ascii('zkLR'), u32(text.length), ascii(text))));
    expect(error.problem).toMatchObject({ code: 'STATEMENT_FIELD', check: 'statement.run.batch' });
    expect(error.message).toContain('expected a power of two, found 3');
  });

  test('refuses a proof beyond its limit', async () => {
    const { problem } = await refusalOf(submitProof(worker.url, new Uint8Array(8 * 2 ** 20 + 1)));
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  test('knows nothing of what nobody submitted', async () => {
    expect(await fetchRun(worker.url, root(1))).toBeNull();
    expect(await fetchAdapter(worker.url, root(1))).toBeNull();
    expect(await fetchProof(worker.url, root(1))).toBeNull();
  });
});

describe('ending', () => {
  test('stop ends it, also twice', async () => {
    const other = await startWorker({ attesterKey: null, stateDir: temporary() });
    expect((await fetchVerifiers(other.url)).attester).toBeNull();
    await other.stop();
    await other.stop();
    expect(await answers(other.url)).toBe(false);
  });

  test('it ends with the process that started it, however that ends', async () => {
    const module = new URL('../../prover/service/dev-server.ts', import.meta.url).href;
    const program = `
      const { startWorker } = await import(${JSON.stringify(module)});
      const { url } = await startWorker({ attesterKey: null, stateDir: ${JSON.stringify(temporary())} });
      process.stdout.write(url);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = ((await once(parent.stdout, 'data')) as [Buffer]).map(String);
    expect(await answers(url)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    // The guard gives the worker some seconds before it kills it.
    for (let tries = 0; tries < 100 && (await answers(url)); tries++)
      await new Promise((done) => setTimeout(done, 100));
    expect(await answers(url)).toBe(false);
  });

  test('a port that is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const started = startWorker({ port, attesterKey: null, stateDir: temporary() });
    await expect(started).rejects.toThrow(LocalWorkerError);
    blocker.close();
  });
});

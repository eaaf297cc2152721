import { cp, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, http, type Address } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployRegistry } from '../../prover/chain/deploy.ts';
import { startHardhatNode, type LocalChain } from '../../prover/chain/node.ts';
import { fetchVerifiers } from '../../prover/service/client.ts';
import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';
import { command } from '../support/command.ts';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';

const key = generatePrivateKey();
const operatorKey = 'the-operator-of-this-test-and-nobody-else';
const attester = privateKeyToAccount(key).address;
let folder = '';
let chain: LocalChain;
let worker: LocalWorker;
let owner: Address;
let registry: Address;
const at = (name: string): string => join(folder, name);

const SETTINGS = {
  parameters: 'strict-100',
  batch: 1,
  seqLen: 8,
  rank: 2,
  alpha: 4,
  targets: ['v_proj'],
  optimizer: 'sgd',
  widths: { spread: 14, gate: 15, widest: 13 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zklora-services-'));
  chain = await startHardhatNode();
  worker = await startWorker({ attesterKey: key, operatorKey, stateDir: at('service') });
  [owner] = await createWalletClient({ transport: http(chain.rpcUrl) }).getAddresses();
  ({ registry } = await deployRegistry({ rpcUrl: chain.rpcUrl, sender: { account: owner } }));
  await writeTinyModel(at('model'));
  await writeFables(at('data.jsonl'), 4);
  await writeFile(at('config.json'), JSON.stringify({ ...SETTINGS, owner, steps: 2 }));
  const source = ['--model', at('model'), '--data', at('data.jsonl'), '--config', at('config.json')];
  expect((await command('train', ...source, '--out', at('run'))).code).toBe(0);
  expect((await command('prove', at('run'))).code).toBe(0);
  // A reader has the adapter alone.
  await cp(at('run/adapter'), at('reader/adapter'), { recursive: true });
});

afterAll(async () => {
  await worker.stop();
  await chain.stop();
  await rm(folder, { recursive: true });
});

const anchor = () =>
  command(
    ...['anchor', at('run'), '--worker', worker.url, '--rpc', chain.rpcUrl],
    ...['--registry', registry, '--account', owner, '--json'],
  );

async function check(...args: string[]): Promise<{ code: number | null; short: string[]; whys: (string | null)[] }> {
  const { code, stdout, stderr } = await command(
    ...['check', at('reader/adapter'), '--backend', 'cpu', '--json', '--worker', worker.url],
    ...['--rpc', chain.rpcUrl, '--registry', registry, ...args],
  );
  if (stdout === '') throw new Error(stderr);
  const { answers } = JSON.parse(stdout) as { answers: Record<string, { answer: string; why: string | null }> };
  return { code, short: Object.values(answers).map((a) => a.answer), whys: Object.values(answers).map((a) => a.why) };
}

describe('submit, anchor and check', () => {
  it('nothing but integrity before a proof is submitted', async () => {
    expect(await check()).toMatchObject({ code: 1, short: ['yes', 'no', 'no', 'no'] });
    expect(await check('--require', 'integrity')).toMatchObject({ code: 0 });
    const { code, stderr } = await anchor();
    expect(stderr).toContain('knows no proof of it');
    expect(code).toBe(1);
  });

  it('a run with a missing segment is neither attested nor anchored', async () => {
    const [first] = (await readdir(at('run/proofs'))).sort();
    await rename(at(`run/proofs/${first}`), at(first));
    const submitted = await command('submit', at('run'), '--to', worker.url);
    await rename(at(first), at(`run/proofs/${first}`));
    expect(submitted.stdout).toContain('0 of 2 steps chain from step 0; missing: step 0');
    expect(submitted.code).toBe(1);
    const { code, stderr } = await anchor();
    expect(stderr).toContain('missing: step 0');
    expect(code).toBe(1);
    const { short, whys } = await check();
    expect(short).toEqual(['yes', 'no', 'no', 'no']);
    expect(whys[1]).toContain('missing: step 0');
    expect(whys[2]).toContain('no complete run');
  });

  it('a whole run is attested, and not yet anchored', async () => {
    const { code, stdout } = await command('submit', at('run'), '--to', worker.url);
    expect(stdout).toContain('stored before');
    expect(stdout).toContain(`complete, attested by ${attester}`);
    expect(code).toBe(0);
    expect(await check()).toMatchObject({ code: 1, short: ['yes', 'yes', 'yes', 'no'] });
  });

  it('an anchored run has four answers, for those who trust its attester', async () => {
    const { code, stdout } = await anchor();
    expect(JSON.parse(stdout)).toMatchObject({ chainId: 31337, attester });
    expect(code).toBe(0);
    expect(await check('--attester', attester)).toMatchObject({ code: 0, short: ['yes', 'yes', 'yes', 'yes'] });
    expect(await check('--attester', owner)).toMatchObject({ code: 1, short: ['yes', 'yes', 'no', 'no'] });
    const two = ['--attester', attester, '--attester', owner, '--threshold'];
    expect(await check(...two, '1')).toMatchObject({ code: 0, short: ['yes', 'yes', 'yes', 'yes'] });
    expect(await check(...two, '2')).toMatchObject({ code: 1, short: ['yes', 'yes', 'no', 'no'] });
    const again = await anchor();
    expect(again.stderr).toContain('AlreadyAnchored');
    expect(again.code).toBe(1);
  });

  it('a key that is none is refused, in whatever way it is given', async () => {
    const { code, stderr } = await command('submit', at('run'), '--to', worker.url, '--key', 'zkl_nobody');
    expect([code, stderr]).toEqual([1, expect.stringContaining('401 KEY_UNKNOWN')]);
  });

  it('under a withdrawn verifier version nothing is attested or submitted', async () => {
    const { current } = await fetchVerifiers(worker.url);
    const response = await fetch(`${worker.url}/operator/verifiers/${current}/withdrawal`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a check was missing' }),
    });
    expect(response.status).toBe(200);
    const { code, stderr } = await command('submit', at('run'), '--to', worker.url);
    expect(stderr).toContain('503 VERIFIER_WITHDRAWN');
    expect(stderr).toContain('a check was missing');
    expect(code).toBe(1);
    // The reader verifies the proofs itself; what the service says counts no more.
    expect(await check('--require', 'attested')).toMatchObject({ code: 1, short: ['yes', 'yes', 'no', 'yes'] });
  });
});

/** The guide's snippets have no type error, and do what it says against a worker, a chain and a subscriber on this machine. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { createWalletClient, http, type Address } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ask, type Output } from '../../api/client.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { deployRegistry } from '../../prover/chain/deploy.ts';
import { startHardhatNode, type LocalChain } from '../../prover/chain/node.ts';
import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';
import { deliver } from '../../worker/events/deliver.ts';
import { runCompleteEvent, verifierWithdrawnEvent, type ServiceEvent } from '../../worker/events/event.ts';
import { command } from '../support/command.ts';
import { blocksOf, loadBlocks, type Program } from '../support/snippets.ts';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';

const PAGE = readFileSync(new URL('../../docs/integrating.md', import.meta.url), 'utf8');
const SHELL = blocksOf(PAGE, 'sh');
/** In the project the submodule is the project itself. */
const TYPESCRIPT = blocksOf(PAGE, 'ts').map((block) => block.replaceAll(`'./zklora/`, `'./`));

type Row = Output<'lookup'>['answers'][number];

/** What the snippets take as given. */
const GIVEN = {
  service: 'string',
  key: 'string | undefined',
  file: 'Uint8Array',
  claimedRun: 'string',
  runId: 'string',
  id: 'string',
  seller: 'string',
  knownBases: 'readonly string[]',
  rpcUrl: 'string',
  registry: '`0x${string}`',
  record: '`0x${string}`',
  attesters: 'readonly `0x${string}`[]',
  secret: 'string',
  server: `import('node:http').Server`,
  taken: 'Set<string>',
  listedRoots: 'readonly string[]',
  save: `(rows: readonly import('../../api/client.ts').Output<'lookup'>['answers'][number][]) => Promise<void>`,
};

const SETTINGS = {
  ...{ parameters: 'strict-100', batch: 1, seqLen: 8, rank: 2, alpha: 4, targets: ['v_proj'], optimizer: 'sgd' },
  widths: { spread: 14, gate: 15, widest: 13 },
  steps: 2,
};

const operatorKey = 'the-operator-of-this-test-and-nobody-else';
const webhookSecret = 'what-the-secrets-of-this-test-follow-from';
const attesterKey = generatePrivateKey();
const attester = privateKeyToAccount(attesterKey).address;
const folder = mkdtempSync(join(tmpdir(), 'zklora-integrating-'));
const at = (name: string): string => join(folder, name);
let chain: LocalChain;
let worker: LocalWorker;
let owner: Address;
let registry: Address;
let key: string;
let claim: { readonly runId: string; readonly adapterRoot: string; readonly run: { readonly baseRoot: string } };
let file: Uint8Array<ArrayBuffer>;
let id: string;
let snippets: { readonly errors: readonly string[]; readonly programs: readonly Program[] };

async function succeed(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await command(...args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
}

async function trainAndProve(): Promise<void> {
  await writeTinyModel(at('model'));
  await writeFables(at('data.jsonl'), 4);
  writeFileSync(at('config.json'), JSON.stringify({ ...SETTINGS, owner }));
  const source = ['--model', at('model'), '--data', at('data.jsonl'), '--config', at('config.json')];
  await succeed('train', ...source, '--out', at('run'));
  await succeed('prove', at('run'));
}

beforeAll(async () => {
  chain = await startHardhatNode();
  [owner] = await createWalletClient({ transport: http(chain.rpcUrl) }).getAddresses();
  ({ registry } = await deployRegistry({ rpcUrl: chain.rpcUrl, sender: { account: owner } }));
  const settings = { CHAIN_RPC_URL: chain.rpcUrl, CHAIN_ID: '31337', REGISTRY_ADDRESS: registry, WRITES: 'key' };
  worker = await startWorker({ attesterKey, operatorKey, webhookSecret, settings, stateDir: at('service') });
  ({ key } = await ask(worker.url, 'createKey', { body: { name: 'a marketplace' } }, { key: operatorKey }));
  await trainAndProve();
  await succeed('submit', at('run'), '--to', worker.url, '--key', key);
  claim = JSON.parse(readFileSync(at('run/adapter/zklora.json'), 'utf8')) as typeof claim;
  file = Uint8Array.from(readFileSync(at('run/adapter/adapter_model.safetensors')));
  ({ file: id } = fileDigests(file));
  snippets = await loadBlocks('integrating', TYPESCRIPT, GIVEN);
});

afterAll(async () => {
  await worker.stop();
  await chain.stop();
  rmSync(folder, { recursive: true });
});

/** The program of the one snippet that has this text. */
function snippet(text: string): Program {
  const found = TYPESCRIPT.flatMap((block, i) => (block.includes(text) ? [i] : []));
  expect(found, text).toHaveLength(1);
  return snippets.programs[found[0]];
}

const given = (more: object = {}): object => ({
  ...{ service: worker.url, key, file, id, claimedRun: claim.runId, runId: claim.runId, seller: owner },
  ...{ knownBases: [claim.run.baseRoot], rpcUrl: chain.rpcUrl, registry, attesters: [attester], ...more },
});

/** Runs a block of the shell as the guide's reader does. @returns what it printed, a JSON answer a line */
async function shell(block: string, more: object = {}): Promise<Record<string, unknown>[]> {
  const names = { SERVICE: worker.url, KEY: key, FILE: at('run/adapter/adapter_model.safetensors'), RUN: claim.runId };
  const env = { ...process.env, ...names, ...more };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', block], { env });
  return stdout
    .replaceAll('}{', '}\n{')
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A file of the same shape with one weight changed. */
function changedFile(): Uint8Array<ArrayBuffer> {
  const changed = Uint8Array.from(file);
  new DataView(changed.buffer).setFloat32(changed.length - 4, 2 ** -22 * 12_345, true);
  return changed;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('every snippet is checked, run here, and has no type error', () => {
  expect(snippets.errors).toEqual([]);
  expect([SHELL.length, TYPESCRIPT.length]).toEqual([2, 7]);
});

describe('at upload', () => {
  test('a file that is another adapter is refused with a reason, and stays unknown', async () => {
    const printed = await snippet('claimedRun')(given({ file: changedFile() }));
    expect(printed).toEqual([
      ['ADAPTER_ROOT', expect.any(String), expect.any(String)],
      ['unknown', null, null],
    ]);
  });

  test('a claim that is no run id goes nowhere else', async () => {
    const printed = await snippet('claimedRun')(given({ claimedRun: '../operator/keys' }));
    expect(printed[0][0]).toBe('ID');
    expect(printed[1]).toEqual(['unknown', null, null]);
  });

  test('an unknown file is shown and is verified from then on', async () => {
    const before = await ask(worker.url, 'lookup', { body: { ids: [id] } });
    expect(before.answers).toMatchObject([{ status: 'unknown', kind: null }]);
    const printed = await snippet('claimedRun')(given());
    expect(printed).toEqual([['verified', claim.adapterRoot, expect.stringMatching(/^0x[0-9a-f]{64}$/)]]);
    expect(await snippet('claimedRun')(given())).toEqual(printed);
  });

  test('the same by curl', async () => {
    const [bulk, shown, adapter] = await shell(SHELL[0]);
    expect(bulk['answers']).toMatchObject([{ id, status: 'verified', kind: 'file' }]);
    expect(shown).toMatchObject({ file: id, adapterRoot: claim.adapterRoot, runId: claim.runId });
    expect(adapter).toMatchObject({ id, status: 'verified', answers: { integrity: { answer: 'yes' } } });
  });

  test('a seller who is not the owner, and a base that nobody knows, are noticed', async () => {
    const compare = snippet('knownBases');
    expect(await compare(given())).toEqual([['verified', 'yes', [[claim.runId, 2]]]]);
    expect(await compare(given({ seller: attester }))).toEqual([['verified', 'yes', []]]);
    expect(await compare(given({ knownBases: ['00'.repeat(32)] }))).toEqual([['verified', 'yes', []]]);
    expect(await compare(given({ id: '00'.repeat(32) }))).toEqual([[undefined, undefined, undefined]]);
  });
});

test('at display: badge and page of a digest', async () => {
  const [html] = blocksOf(PAGE, 'html');
  const urls = Array.from(html.matchAll(/"(https:[^"]+)"/g), ([, url]) =>
    url.replace('https://verify.example.com', worker.url).replace('DIGEST', id),
  );
  expect(urls).toHaveLength(2);
  const [page, badge] = await Promise.all(urls.map((url) => fetch(url)));
  expect([page.status, badge.status]).toEqual([200, 200]);
  expect(await page.text()).toContain(claim.adapterRoot);
  expect(badge.headers.get('content-type')).toContain('image/svg+xml');
  expect(await badge.text()).toContain('zkLoRA: verified');
});

test('verifying it oneself: signatures of those who are trusted, and the proofs themselves', async () => {
  const signatures = snippet('verifyTypedData({');
  expect(await signatures(given())).toEqual([[true]]);
  expect(await signatures(given({ attesters: [owner] }))).toEqual([[false]]);
  const proofs = snippet('provenRuns(proofs)');
  const seller = owner.toLowerCase();
  expect(await proofs(given())).toEqual([[claim.runId, seller, claim.run.baseRoot, true]]);
  expect(await proofs(given({ file: changedFile() }))).toEqual([[claim.runId, seller, claim.run.baseRoot, false]]);
});

test('errors: comes again where the service says when, and nowhere else', async () => {
  let requests = 0;
  const busy = {
    type: 'urn:zklora:problem:BUSY',
    title: '',
    status: 503,
    detail: '',
    code: 'BUSY',
    check: null,
    next: '',
  };
  // The service, as it is when it is busy for the first request.
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      const problemType = 'application/problem+json';
      if (requests++ === 0)
        return response.writeHead(503, { 'content-type': problemType, 'retry-after': '1' }).end(JSON.stringify(busy));
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/octet-stream' };
      const answer = await fetch(`${worker.url}${request.url}`, { method: 'POST', headers, body });
      return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
  });
  const service = await listening(server);
  const patient = snippet('tries === 5');
  expect(await patient(given({ service }))).toEqual([[claim.adapterRoot]]);
  expect(requests).toBe(2);
  await expect(patient(given({ file: changedFile() }))).rejects.toMatchObject({ problem: { code: 'ADAPTER_ROOT' } });
  await expect(patient(given({ key: undefined }))).rejects.toMatchObject({ problem: { code: 'KEY_REQUIRED' } });
  server.close();
});

describe('at sale and after it', () => {
  let record: string;
  let saved: Row[];

  /** Has an event delivered to the snippet's server as the worker delivers it; returns the subscriber's outcome. */
  async function delivered(event: ServiceEvent, url: string, webhookId: string, now: number) {
    const allow = (text: string): URL => new URL(text);
    const wire = { allow, fetch: (to: string, init: RequestInit) => fetch(to, init) };
    return deliver(event, { id: webhookId, url }, webhookSecret, now, wire);
  }

  test('the record of an anchored adapter is attested by those who are trusted', async () => {
    const { answers } = await ask(worker.url, 'lookup', { body: { ids: [id] } });
    record = answers[0].record!;
    const byRecord = await ask(worker.url, 'lookup', { body: { ids: [record] } });
    expect(byRecord.answers).toMatchObject([{ kind: 'record', adapterRoot: claim.adapterRoot, record }]);
    const sold = snippet('isAttested');
    expect(await sold(given({ record }))).toEqual([[false]]);
    const chainArguments = ['--rpc', chain.rpcUrl, '--registry', registry, '--account', owner];
    await succeed('anchor', at('run'), '--worker', worker.url, ...chainArguments);
    expect(await sold(given({ record }))).toEqual([[true]]);
    expect(await sold(given({ record, attesters: [owner] }))).toEqual([[false]]);
  });

  test('a webhook is verified, taken once, and leads to what holds now', async () => {
    const [webhook] = await shell(SHELL[1]);
    expect(webhook).toMatchObject({ url: 'https://hooks.example.com/zklora', removedAt: null });
    const { id: webhookId, secret } = webhook as { id: string; secret: string };
    saved = [];
    const server = createServer();
    const url = await listening(server);
    const save = (rows: readonly Row[]) => Promise.resolve(void saved.push(...rows));
    const taken = new Set<string>();
    await snippet('new Webhook')(given({ secret, server, taken, save, listedRoots: [claim.adapterRoot] }));

    const now = Math.floor(Date.now() / 1000);
    const { adapterRoot, runId } = claim;
    const complete = runCompleteEvent({ runId, adapterRoot, verifier: '', runDigest: '', record, completedAt: now });
    const lost = { outcome: 'failed', why: 'status 401' };
    expect(await delivered(complete, url, 'wh0', now)).toEqual(lost);
    expect(await delivered(complete, url, webhookId, now - 3600)).toEqual(lost);
    expect([saved, taken.size]).toEqual([[], 0]);
    for (const [event, rows] of [
      [complete, 1],
      [complete, 1],
      [verifierWithdrawnEvent('00'.repeat(32), { at: now, reason: 'a check was missing' }), 2],
    ] as const) {
      expect(await delivered(event, url, webhookId, now)).toEqual({ outcome: 'delivered' });
      expect(saved).toHaveLength(rows);
    }
    expect(saved[0]).toMatchObject({ id: adapterRoot, kind: 'root', record });
    server.close();
  });
});

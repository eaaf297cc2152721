import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Output } from '../../api/client.ts';
import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';

const CLI = new URL('../../prover/cli.ts', import.meta.url).pathname;

const operatorKey = randomBytes(32).toString('hex');
const attesterKey = generatePrivateKey();
const attester = privateKeyToAccount(attesterKey).address;
const state = mkdtempSync(join(tmpdir(), 'zklora-operate-'));
let worker: LocalWorker;

beforeAll(async () => {
  const webhookSecret = randomBytes(32).toString('hex');
  worker = await startWorker({ attesterKey, operatorKey, webhookSecret, stateDir: state });
});
afterAll(async () => {
  await worker.stop();
  rmSync(state, { recursive: true, force: true });
});

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `./zklora operate …` with these keys in its environment and no others. */
async function operate(keys: Record<string, string>, ...args: readonly string[]): Promise<Finished> {
  const env = { ...process.env };
  delete env.ZKLORA_OPERATOR_KEY;
  delete env.ZKLORA_API_KEY;
  const child = spawn(process.execPath, [CLI, 'operate', ...args], { env: { ...env, ...keys }, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const asOperator = (...args: readonly string[]) =>
  operate({ ZKLORA_OPERATOR_KEY: operatorKey }, ...args, '--to', worker.url);

async function answer<T>(finished: Promise<Finished>): Promise<T> {
  const { code, stdout, stderr } = await finished;
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

describe('keys', () => {
  test('are created, listed and revoked, and the text is told once', async () => {
    const created = await asOperator('keys', 'create', 'a market');
    expect(created.code).toBe(0);
    const [text, note] = created.stdout.split('\n');
    expect(text).toMatch(/^zkl_[0-9a-f]{16}_[0-9a-f]{64}$/);
    const id = text.split('_')[1];
    expect(note).toContain(id);

    const { stdout: listed } = await asOperator('keys', 'list');
    expect(listed).toContain('a market');
    expect(listed).not.toContain(text.split('_')[2]);

    const { stdout } = await asOperator('keys', 'revoke', id);
    expect(stdout).toContain(`key ${id} is revoked since 20`);
    const { keys } = await answer<Output<'keys'>>(asOperator('keys', 'list', '--json'));
    expect(keys.find((key) => key.id === id)?.revokedAt).toBeGreaterThan(0);

    const again = await operate({ ZKLORA_API_KEY: text }, 'webhooks', 'list', '--to', worker.url);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('KEY_REVOKED')]);
    expect((await asOperator('keys', 'revoke', 'nosuchkey')).stderr).toContain('NOT_FOUND');
  });

  test('a name that moves the cursor of a terminal is shown without', async () => {
    await asOperator('keys', 'create', 'evil\u001b[2Jname');
    const { stdout } = await asOperator('keys', 'list');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('evil');
  });
});

describe('without the operator’s key', () => {
  test('nothing is asked, and it says which variable is missing', async () => {
    const { code, stdout, stderr } = await operate({}, 'keys', 'list', '--to', worker.url);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('ZKLORA_OPERATOR_KEY is not set');
    const other = await operate({ ZKLORA_OPERATOR_KEY: operatorKey }, 'webhooks', 'list', '--to', worker.url);
    expect(other.stderr).toContain('ZKLORA_API_KEY is not set');
  });

  test('another one is refused', async () => {
    const { code, stderr } = await operate({ ZKLORA_OPERATOR_KEY: 'x'.repeat(64) }, 'keys', 'list', '--to', worker.url);
    expect([code, stderr]).toEqual([1, expect.stringContaining('401 OPERATOR_CLOSED')]);
  });

  test('a key does not cross a network in the clear', async () => {
    const keys = { ZKLORA_OPERATOR_KEY: operatorKey };
    const { code, stderr } = await operate(keys, 'keys', 'list', '--to', 'http://service.example.com');
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not https')]);
    expect(stderr).not.toContain(operatorKey);
  });

  test('the files of the local worker are for their owner’s eyes', () => {
    expect(statSync(join(state, 'worker.env')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(state, 'worker.env'), 'utf8')).toContain(operatorKey);
  });
});

test('webhooks are added, listed and removed', async () => {
  const { key } = await answer<Output<'createKey'>>(asOperator('keys', 'create', 'hooks', '--json'));
  const asHolder = (...args: readonly string[]) =>
    operate({ ZKLORA_API_KEY: key }, 'webhooks', ...args, '--to', worker.url);
  const url = 'https://hooks.example.com/zklora';
  const added = await answer<Output<'createWebhook'>>(
    asHolder('add', url, '--events', 'run.complete,adapter.revoked', '--json'),
  );
  expect(added).toMatchObject({ url, events: ['run.complete', 'adapter.revoked'] });
  expect(added.secret).toMatch(/^whsec_/);
  expect((await asHolder('list')).stdout).toContain(url);
  expect((await asHolder('list')).stdout).not.toContain(added.secret);
  expect((await asHolder('remove', added.id)).stdout).toContain('is removed since');
  expect((await asHolder('add', 'https://localhost/', '--events', 'run.complete')).stderr).toContain('WEBHOOK_URL');
});

describe('attesters', () => {
  test('a window is announced and listed', async () => {
    const until = ['--from', '2026-01-01', '--until', '2031-06-30T12:00:00Z'];
    const key = await answer<Output<'announceAttester'>>(
      asOperator('attesters', 'announce', attester, ...until, '--json'),
    );
    const [validFrom, validUntil] = ['2026-01-01T00:00:00Z', '2031-06-30T12:00:00Z'].map(
      (time) => Date.parse(time) / 1000,
    );
    expect(key).toEqual({ address: attester, validFrom, validUntil, signing: true });
    const listed = await operate({}, 'attesters', 'list', '--to', worker.url);
    expect(listed.stdout).toMatch(new RegExp(`${attester} +2026-01-01T00:00:00Z +2031-06-30T12:00:00Z +yes`));
  });
});

test('the index is checked and rebuilt; the exit status tells of differences', async () => {
  const { code, stdout } = await asOperator('index', 'check');
  expect([code, stdout]).toEqual([0, expect.stringContaining(' 0 differences, 0 rows written')]);
  const rebuilt = await answer<{ looked: number; written: number }>(asOperator('index', 'rebuild', '--json'));
  expect(rebuilt.looked).toBeGreaterThan(0);
  expect(rebuilt.written).toBe(0);
  const wrong = await asOperator('index', 'check', '--cursor', 'elsewhere');
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('CURSOR')]);
});

test('a verifier version is withdrawn, once and for ever', async () => {
  const listed = await answer<Output<'verifiers'>>(operate({}, 'verifiers', 'list', '--json', '--to', worker.url));
  const unknown = createHash('sha256').update('unknown').digest('hex');
  const refused = await asOperator('verifiers', 'withdraw', unknown, '--reason', 'none');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('NOT_FOUND')]);
  const withdraw = (reason: string) => asOperator('verifiers', 'withdraw', listed.current, '--reason', reason);
  expect((await withdraw('a hole in it')).stdout).toContain(': a hole in it (this worker’s)');
  expect((await withdraw('a hole in it')).code).toBe(0);
  expect((await withdraw('another reason')).stderr).toContain('409 CONFLICT');
  const after = await operate({}, 'verifiers', 'list', '--to', worker.url);
  expect(after.stdout).toContain('withdrawn 20');
});

/** Nothing is lost: processes that die, transactions that are replaced, cancelled, dropped, or stuck. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { parseGwei, parseTransaction, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { openRegistry, readStatus, type Registry } from '../../prover/chain/registry.ts';
import { command, commandsAt, start, type Running } from './cli.ts';
import {
  accountNamed,
  journal,
  keyNamed,
  LOCAL_CHAIN,
  localRegistry,
  type AttestedRun,
  type LocalRegistry,
} from './fixtures.ts';
import { proxyTo } from './proxy.ts';

let local: LocalRegistry;
let found: Registry;
let at: ReturnType<typeof commandsAt>;
let owners = 0;

beforeAll(async () => {
  local = await localRegistry();
  at = commandsAt(local);
  found = await openRegistry(local);
});

afterAll(() => local.stop());

afterEach(() => local.node.setAutomine(true));

/** A run of an owner of its own, whose nonces begin at 0, on a chain that mines when it is told to. */
async function waiting() {
  const name = `owner ${(owners += 1)}`;
  const run = await local.run(name);
  await local.fund(accountNamed(name).address);
  await local.node.setAutomine(false);
  const args = ['anchor', run.folder, '--attestation', run.file];
  return { key: keyNamed(name), owner: accountNamed(name), run, args };
}

/** Kills a command when its transaction is on its way. @returns the transaction */
async function killedAfterSending(running: Running, { journals }: AttestedRun) {
  await running.says(/sent 0x/);
  running.child.kill('SIGKILL');
  expect((await running.ended).code).toBeNull();
  const [file] = await journals();
  const kept = await journal(file);
  expect(kept.outcome).toBeNull();
  return { file, ...kept, hash: kept.attempts[0].hash!, raw: kept.attempts[0].raw! };
}

/** How many transactions of an account were mined. */
const mined = (address: Hex) => local.node.getTransactionCount({ address });

/** The same nonce, from the wallet of the owner: a higher fee, and whatever it is to do. */
async function fromWallet(key: Hex, raw: Hex, changes: { to?: Hex; data?: Hex }): Promise<Hex> {
  const { nonce = 0, to, data, gas, maxFeePerGas } = parseTransaction(raw as `0x02${string}`);
  const tip = parseGwei('5');
  const fees = { maxFeePerGas: maxFeePerGas! * 2n + tip, maxPriorityFeePerGas: tip };
  const account = privateKeyToAccount(key);
  const call = { to: to!, ...(data && { data }), ...changes };
  const signed = { type: 'eip1559', chainId: LOCAL_CHAIN, nonce, gas: gas!, ...fees, ...call } as const;
  return local.node.sendRawTransaction({ serializedTransaction: await account.signTransaction(signed) });
}

describe('a process that is killed between sending and confirming', () => {
  test('is followed by one that goes on with the same transaction, without a key', async () => {
    const { key, owner, run, args } = await waiting();
    const { hash, file } = await killedAfterSending(at.begin(key, ...args), run);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(key.slice(2));
    await local.node.mine({ blocks: 1 });
    const receipt = await at.json(null, ...args);
    expect(receipt).toMatchObject({ hash, resumed: true, id: run.id });
    expect(await mined(owner.address)).toBe(1);
    expect((await journal(file)).outcome).toEqual({ kind: 'mined', hash });
  });

  test('and where nothing was mined yet, waits on; a second command at once sends nothing either', async () => {
    const { key, owner, run, args } = await waiting();
    const { hash } = await killedAfterSending(at.begin(key, ...args), run);
    const { code, stderr } = await at.run(key, ...args, '--timeout', '1');
    expect(stderr).toContain(`transaction ${hash} with nonce 0 is not mined after 1 s`);
    expect(stderr).toContain('Nothing is lost: the same command goes on');
    expect(code).toBe(1);
    const both = [at.begin(key, ...args, '--json'), at.begin(key, ...args, '--json')];
    await Promise.all(both.map((one) => one.says(/going on with/)));
    await local.node.mine({ blocks: 1 });
    for (const { ended } of both) expect(JSON.parse((await ended).stdout)).toMatchObject({ hash, resumed: true });
    expect(await mined(owner.address)).toBe(1);
  });

  test('before it was told that the node has it: the kept bytes are sent, the same', async () => {
    const { key, owner, run, args } = await waiting();
    const { hash } = await killedAfterSending(at.begin(key, ...args), run);
    await local.node.dropTransaction({ hash });
    const running = at.begin(null, ...args, '--json');
    await running.says(/did not have it: sent the same transaction again/);
    expect((await local.node.getTransaction({ hash })).hash).toBe(hash);
    await local.node.mine({ blocks: 1 });
    expect(JSON.parse((await running.ended).stdout)).toMatchObject({ hash });
    expect(await mined(owner.address)).toBe(1);
  });
});

describe('a transaction that the node drops while the command waits', () => {
  test('is sent again', async () => {
    const { key, run, args } = await waiting();
    const running = at.begin(key, ...args, '--json');
    await running.says(/sent 0x/);
    const [attempt] = (await journal((await run.journals())[0])).attempts;
    await local.node.dropTransaction({ hash: attempt.hash! });
    await running.says(/sent the same transaction again/);
    await local.node.mine({ blocks: 1 });
    expect(JSON.parse((await running.ended).stdout)).toMatchObject({ hash: attempt.hash, resumed: false });
  });
});

describe('a transaction whose nonce another takes', () => {
  const ways = ['while the command waits', 'while no command runs'] as const;

  test.each(ways)('the same call with a higher fee counts, %s', async (when) => {
    const { key, owner, run, args } = await waiting();
    const running = at.begin(key, ...args, '--json');
    await running.says(/sent 0x/);
    const { raw, hash } = (await journal((await run.journals())[0])).attempts[0];
    if (when === 'while no command runs') running.child.kill('SIGKILL');
    const other = await fromWallet(key, raw!, {});
    // Mined some blocks before anybody asks.
    await local.node.mine({ blocks: 20 });
    const ended = await (when === 'while no command runs' ? at.run(null, ...args, '--json') : running.ended);
    expect(JSON.parse(ended.stdout)).toMatchObject({ hash: other, repriced: true, id: run.id });
    expect(other).not.toBe(hash);
    expect(await mined(owner.address)).toBe(1);
    expect((await readStatus(found, run.id)).status).toBe('anchored');
  });

  test.each(ways)('a cancelled one is told, and sent anew only when that is asked for, %s', async (when) => {
    const { key, owner, run, args } = await waiting();
    const running = at.begin(key, ...args);
    await running.says(/sent 0x/);
    const { raw, hash } = (await journal((await run.journals())[0])).attempts[0];
    if (when === 'while no command runs') running.child.kill('SIGKILL');
    const other = await fromWallet(key, raw!, { to: owner.address, data: '0x' });
    await local.node.mine({ blocks: 3 });
    const told = await (when === 'while no command runs' ? at.run(key, ...args) : running.ended);
    expect(told.stderr).toContain(`transaction ${hash} was cancelled: ${other} of the same account took its nonce 0`);
    expect(told.code).toBe(1);
    // Not by itself, however often.
    const again = await at.run(key, ...args);
    expect(again.stderr).toContain('was cancelled');
    expect(await mined(owner.address)).toBe(1);
    expect((await readStatus(found, run.id)).status).toBe('unknown');
    await local.node.setAutomine(true);
    expect(await at.json(key, ...args, '--again')).toMatchObject({ id: run.id, resumed: false });
    expect(await mined(owner.address)).toBe(2);
    expect(await run.journals()).toHaveLength(2);
  });

  test('one that is replaced by something else is told', async () => {
    const { key, run, args } = await waiting();
    const { raw, hash } = await killedAfterSending(at.begin(key, ...args), run);
    const other = await fromWallet(key, raw, { to: accountNamed('friend').address, data: '0x' });
    await local.node.mine({ blocks: 1 });
    const { stderr, code } = await at.run(key, ...args);
    expect(stderr).toContain(`transaction ${hash} was replaced: ${other}`);
    expect(stderr).toContain('--again');
    expect(code).toBe(1);
  });
});

describe('a transaction that is stuck', () => {
  test('gets a higher fee by --bump; whichever is mined, it is one', async () => {
    const { key, owner, run, args } = await waiting();
    const { hash, file } = await killedAfterSending(at.begin(key, ...args), run);
    const wrong = await at.run(keyNamed('stranger'), ...args, '--bump');
    expect(wrong.stderr).toContain("can't raise the fee");
    const running = at.begin(key, ...args, '--bump', '--json');
    await running.says(/raising the fee[^]*sent 0x/);
    await local.node.mine({ blocks: 1 });
    const receipt = JSON.parse((await running.ended).stdout) as { hash: Hex };
    expect(receipt).toMatchObject({ resumed: true, repriced: false });
    expect(receipt.hash).not.toBe(hash);
    expect((await journal(file)).attempts.map((attempt) => attempt.hash)).toEqual([hash, receipt.hash]);
    expect(await mined(owner.address)).toBe(1);
  });

  test('behind an earlier one: says which comes first', async () => {
    const { key, owner, run, args } = await waiting();
    const first = await local.run('owner none');
    const send = { account: owner, chain: null, to: first.signed.attestation.owner, value: 1n } as const;
    const hash = await local.node.sendTransaction({ ...send, nonce: 0, gas: 21_000n });
    const running = at.begin(key, ...args);
    await running.says(/sent 0x[0-9a-f]{64}, nonce 1/);
    // The wallet's earlier transaction is lost.
    await local.node.dropTransaction({ hash });
    running.child.kill('SIGKILL');
    await running.ended;
    const { stderr } = await at.run(null, ...args, '--timeout', '1');
    expect(stderr).toMatch(/is not mined after 1 s; the transaction with nonce 0 of 0x\w+ must be mined first/);
    expect(stderr).toContain('Send or speed up the earlier ones');
    expect(run.id).toBeDefined();
  });

  test('and waits for as many blocks as are asked for', async () => {
    const { key, args } = await waiting();
    const running = at.begin(key, ...args, '--confirmations', '3', '--json');
    await running.says(/sent 0x/);
    await local.node.mine({ blocks: 2 });
    const early = await Promise.race([running.ended, new Promise((resolve) => setTimeout(resolve, 1500, 'waits'))]);
    expect(early).toBe('waits');
    await local.node.mine({ blocks: 1 });
    expect(JSON.parse((await running.ended).stdout)).toMatchObject({ action: 'anchor' });
  });
});

describe('what is kept is held against what it must be', () => {
  test('a journal that was changed, or of another run, is not believed', async () => {
    const { key, run, args } = await waiting();
    const { file } = await killedAfterSending(at.begin(key, ...args), run);
    const good = await readFile(file, 'utf8');
    const other = await local.run('owner none');
    const changes = [
      good.replace('"nonce": 0', '"nonce": 7'),
      good.replace('"outcome": null', `"outcome": { "kind": "mined" }`),
      good.replace(/"sender": "0x\w+"/, `"sender": "${accountNamed('stranger').address}"`),
      good.replaceAll(run.signed.attestation.runId, other.signed.attestation.runId),
      good.replaceAll(run.signed.attestation.runId.slice(2), other.signed.attestation.runId.slice(2)),
      good.slice(0, 300),
    ];
    for (const changed of changes) {
      expect(changed).not.toBe(good);
      await writeFile(file, changed);
      const { code, stderr } = await at.run(key, ...args, '--timeout', '1');
      expect(stderr).toContain(file);
      expect(stderr).toContain('Look up what the account has sent');
      expect(code).toBe(1);
      expect(await readFile(file, 'utf8')).toBe(changed);
    }
    await writeFile(file, good);
    await local.node.mine({ blocks: 1 });
    expect(await at.json(null, ...args)).toMatchObject({ resumed: true });
  });
});

describe('a node that is away', () => {
  test('while the command waits, is waited for', async () => {
    const { key, run, args } = await waiting();
    const proxy = await proxyTo(local.rpcUrl);
    const running = start(key, [...args, '--rpc', proxy.url, '--registry', local.registry, '--json']);
    await running.says(/sent 0x/);
    proxy.away = true;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    proxy.away = false;
    await local.node.mine({ blocks: 1 });
    expect(JSON.parse((await running.ended).stdout)).toMatchObject({ id: run.id });
    await proxy.close();
  });

  test('when its answer to a transaction is lost, may have it: the next command asks', async () => {
    const { key, owner, run, args } = await waiting();
    const proxy = await proxyTo(local.rpcUrl);
    proxy.loses = 'eth_sendRawTransaction';
    const lost = await command(key, [...args, '--rpc', proxy.url, '--registry', local.registry]);
    expect(lost.stderr).toMatch(/did not take transaction 0x\w{64}: no answer came/);
    expect(lost.stderr).toContain('It may have arrived all the same');
    await local.node.mine({ blocks: 1 });
    expect(await at.json(null, ...args)).toMatchObject({ id: run.id, resumed: true });
    expect(await mined(owner.address)).toBe(1);
    await proxy.close();
  });
});

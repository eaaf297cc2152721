/** anchor, revoke and supersede as their users run them. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseGwei, zeroAddress } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { signedToJson } from '../../protocol/attestation-json.ts';
import { openRegistry, readStatus, type Registry } from '../../prover/chain/registry.ts';
import { command, commandsAt } from './cli.ts';
import {
  accountNamed,
  attestRun,
  attester,
  keyNamed,
  LOCAL_CHAIN,
  localRegistry,
  type LocalRegistry,
} from './fixtures.ts';

let local: LocalRegistry;
let found: Registry;
let run: ReturnType<typeof commandsAt>['run'];
let json: ReturnType<typeof commandsAt>['json'];
const owner = keyNamed('owner');

beforeAll(async () => {
  local = await localRegistry();
  ({ run, json } = commandsAt(local));
  found = await openRegistry(local);
  await local.fund(accountNamed('owner').address);
});

afterAll(() => local.stop());

describe('anchor, revoke and supersede', () => {
  test('anchor prints the receipt, and says no the second time', async () => {
    const { folder, file, id } = await local.run('owner');
    const receipt = await json(owner, 'anchor', folder, '--attestation', file);
    const facts = { action: 'anchor', id, chainId: LOCAL_CHAIN, registry: found.registry, attester: attester.address };
    expect(receipt).toMatchObject({ ...facts, resumed: false, repriced: false, sender: accountNamed('owner').address });
    expect((await readStatus(found, id)).status).toBe('anchored');
    const again = await run(owner, 'anchor', folder, '--attestation', file);
    expect(again.stderr).toContain('AlreadyAnchored');
    expect(again.stderr).toContain('Nothing is left to do');
    expect(again.code).toBe(1);
  });

  test('revoke finds the record in what was sent, and revokes once', async () => {
    const { folder, file, id } = await local.run('owner');
    const early = await run(owner, 'revoke', folder, '--attestation', file);
    expect(early.stderr).toContain('is not anchored in');
    expect(early.code).toBe(1);
    await json(owner, 'anchor', folder, '--attestation', file);
    const { code, stdout } = await run(owner, 'revoke', folder);
    expect(stdout).toContain(`revoked on chain ${LOCAL_CHAIN}`);
    expect(stdout).toContain(`record ${id}`);
    expect(code).toBe(0);
    const state = await readStatus(found, id);
    expect(state).toMatchObject({ status: 'revoked', anchor: undefined, was: { attester: attester.address } });
    expect((await run(owner, 'revoke', folder)).stderr).toContain('AlreadyRevoked');
  });

  test('revoke keeps a record from ever being anchored, if that is said', async () => {
    const { folder, file, id } = await local.run('owner');
    await json(owner, 'revoke', folder, '--attestation', file, '--unanchored');
    expect(await readStatus(found, id)).toMatchObject({ status: 'revoked', was: undefined, successor: undefined });
    expect((await run(owner, 'anchor', folder, '--attestation', file)).stderr).toContain('AlreadyAnchored');
  });

  test('supersede links two records, found in the chain’s log where the folder has none', async () => {
    const [older, newer] = [await local.run('owner'), await local.run('owner')];
    for (const { folder, file } of [older, newer]) await json(owner, 'anchor', folder, '--attestation', file);
    const self = await run(owner, 'supersede', older.folder, older.folder);
    expect(self.stderr).toContain('SupersedesItself');
    // As on a machine that did not anchor them.
    const copies = [join(local.folder, 'older'), join(local.folder, 'newer')];
    for (const [i, { folder }] of [older, newer].entries()) {
      await mkdir(copies[i]);
      await cp(join(folder, 'run.json'), join(copies[i], 'run.json'));
    }
    const receipt = await json(owner, 'supersede', copies[0], copies[1]);
    expect(receipt).toMatchObject({ action: 'supersede', ids: [older.id, newer.id] });
    expect(await readStatus(found, older.id)).toMatchObject({ status: 'superseded', successor: newer.id });
    expect(await readStatus(found, newer.id)).toMatchObject({ status: 'anchored', parent: older.id });
  });

  test('a further attestation is recorded for an anchored record, whoever brings it', async () => {
    const { folder, file, spec, id } = await local.run('owner');
    const second = accountNamed('second attester');
    const other = join(folder, 'second.json');
    await writeFile(other, JSON.stringify(signedToJson(await attestRun(spec, {}, second))));
    await local.fund(accountNamed('stranger').address);
    const early = await run(keyNamed('stranger'), 'anchor', folder, '--attest', '--attestation', other);
    expect(early.stderr).toContain('NotAnchored');
    await json(owner, 'anchor', folder, '--attestation', file);
    const receipt = await json(keyNamed('stranger'), 'anchor', folder, '--attest', '--attestation', other);
    expect(receipt).toMatchObject({ action: 'attest', id, attester: second.address });
    expect(await found.contract.read.isAttestedBy([id, second.address])).toBe(true);
  });

  test('sends from an account of the node', async () => {
    const account = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
    const { folder, file, id, journals } = await local.run(account);
    const receipt = await json(null, 'anchor', folder, '--attestation', file, '--account', account);
    expect(receipt).toMatchObject({ id, sender: account });
    const [kept] = await journals();
    expect(await readFile(kept, 'utf8')).toContain(String(receipt['hash']));
  });
});

describe('what goes wrong is named, with a way out', () => {
  const fails = async (key: `0x${string}` | null, pattern: RegExp, ...args: string[]) => {
    const { code, stdout, stderr } = await run(key, ...args);
    expect(stderr).toMatch(pattern);
    expect(stderr).not.toMatch(/\n {4}at |undefined|\[object/);
    expect(stdout).toBe('');
    expect(code).toBe(1);
    return stderr;
  };

  test('another’s run, and a run without ether', async () => {
    const { folder, file, journals } = await local.run('owner');
    const args = ['anchor', folder, '--attestation', file];
    expect(await fails(keyNamed('stranger'), /NotRecordOwner/, ...args)).toContain(
      'Send the transaction from the owner',
    );
    const poor = await local.run('poor');
    const text = await fails(keyNamed('poor'), /has 0 ETH/, 'anchor', poor.folder, '--attestation', poor.file);
    expect(text).toContain(`ETH to ${accountNamed('poor').address}`);
    expect(await journals()).toEqual([]);
    expect(await poor.journals()).toEqual([]);
  });

  test('a fee that nobody would pay', async () => {
    const { folder, file, journals } = await local.run('owner');
    const args = ['anchor', folder, '--attestation', file];
    await local.node.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('3000') });
    await local.node.mine({ blocks: 1 });
    expect(await fails(owner, /names a fee of \d+.* gwei/, ...args)).toContain('--max-fee');
    expect(await journals()).toEqual([]);
    expect(await json(owner, ...args, '--max-fee', '9000')).toMatchObject({ action: 'anchor' });
    await local.node.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
    await local.node.mine({ blocks: 1 });
  });

  test('no key, a bad key, which is not shown', async () => {
    const { folder, file } = await local.run('owner');
    const args = ['anchor', folder, '--attestation', file];
    await fails(null, /nobody is named who signs\n.*ZKLORA_PRIVATE_KEY.*--unsigned/, ...args);
    const text = await fails(`0x${'ab'.repeat(31)}`, /is no private key/, ...args);
    expect(text).not.toContain('abab');
  });

  test('an attestation of another run, a forged one, and none', async () => {
    const [one, other] = [await local.run('owner'), await local.run('owner')];
    await fails(owner, /none of .* attests it/, 'anchor', one.folder, '--attestation', other.file);
    const forged = join(one.folder, 'forged.json');
    const text = await readFile(one.file, 'utf8');
    await writeFile(forged, text.replace(one.signed.attestation.adapterRoot, one.signed.attestation.dataRoot));
    await fails(owner, /the signature is not the attester’s/, 'anchor', one.folder, '--attestation', forged);
    await writeFile(forged, '{}');
    await fails(owner, /holds no attestation/, 'anchor', one.folder, '--attestation', forged);
    await fails(owner, /nobody is named who attests it/, 'anchor', one.folder);
    await fails(owner, /no record of the run/, 'revoke', one.folder);
  });

  test('another chain, no contract, no node, names that are none', async () => {
    const { folder, file } = await local.run('owner');
    const args = ['anchor', folder, '--attestation', file];
    await fails(owner, /serves chain 31337, not chain 8453/, ...args, '--chain', 'base');
    await fails(owner, /serves chain 31337, not chain 1/, ...args, '--chain-id', '1');
    await fails(owner, /is 8453, not 1\n/, ...args, '--chain', 'base', '--chain-id', '1');
    await fails(owner, /is the name of no chain/, ...args, '--chain', 'bass');
    const at = async (rpc: string, registry: string) =>
      (await command(owner, [...args, '--rpc', rpc, '--registry', registry])).stderr;
    expect(await at(local.rpcUrl, zeroAddress)).toContain('nothing is at 0x0000');
    expect(await at(local.rpcUrl, '0x00')).toContain('is no Ethereum address');
    const typing = found.registry.replace(/[a-f]/, (letter) => letter.toUpperCase());
    expect(await at(local.rpcUrl, typing)).toContain('is no Ethereum address');
    expect(await at('127.0.0.1', local.registry)).toContain('is no URL of a node');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(await at(`http://127.0.0.1:${port}`, local.registry)).toContain('no Ethereum node answers');
  });

  test('options that contradict each other or are missing', async () => {
    const { folder, file } = await local.run('owner');
    const args = ['anchor', folder, '--attestation', file];
    await fails(owner, /contradict/, ...args, '--unsigned', 'a', '--signed', '0x00');
    await fails(owner, /contradict/, ...args, '--bump', '--again');
    await fails(owner, /contradict/, ...args, '--attest', '--batch', 'b');
    await fails(owner, /more than one run/, ...args, folder);
    await fails(owner, /no run is named/, 'anchor');
    await fails(owner, /whole number/, ...args, '--timeout', '0');
    const none = await command(owner, args);
    expect(none.stderr).toContain('no node is named');
  });
});

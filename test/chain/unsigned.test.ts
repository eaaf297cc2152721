/** A hardware wallet or a multisig signs: no key on this machine. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexToBigInt, hexToNumber, parseTransaction, type Hex, type TransactionSerializableEIP1559 } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { meaningOf } from '../../prover/chain/calls.ts';
import { openRegistry, readStatus, type Registry } from '../../prover/chain/registry.ts';
import type { UnsignedFile } from '../../prover/chain/unsigned.ts';
import { commandsAt } from './cli.ts';
import { accountNamed, LOCAL_CHAIN, localRegistry, type LocalRegistry } from './fixtures.ts';

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

/** A run of a wallet of its own, its unsigned transaction, and how to sign a changed one. */
async function unsignedOf() {
  const name = `wallet ${(owners += 1)}`;
  const wallet = accountNamed(name);
  await local.fund(wallet.address);
  const run = await local.run(name);
  const file = join(run.folder, 'unsigned.json');
  const args = ['anchor', run.folder, '--attestation', run.file];
  const { stdout, code } = await at.run(null, ...args, '--unsigned', file, '--fees');
  expect(code).toBe(0);
  const written = JSON.parse(await readFile(file, 'utf8')) as UnsignedFile;
  const parsed = parseTransaction(written.serialized as `0x02${string}`);
  const sign = (changes: Partial<TransactionSerializableEIP1559> = {}) =>
    wallet.signTransaction({ ...parsed, ...changes });
  return { wallet, run, args, file, stdout, written, parsed, sign };
}

describe('an unsigned transaction', () => {
  test('says what it is, in numbers and words, and nothing is sent', async () => {
    const { wallet, run, stdout, written, parsed } = await unsignedOf();
    const { transaction, summary } = written;
    expect(transaction).toMatchObject({ to: found.registry, value: '0x0', from: wallet.address });
    expect(hexToNumber(transaction.chainId)).toBe(LOCAL_CHAIN);
    expect(hexToNumber(transaction.nonce!)).toBe(0);
    expect(hexToBigInt(transaction.gas!)).toBe(parsed.gas);
    expect(meaningOf(transaction.data)).toMatchObject({ action: 'anchor', ids: [run.id] });
    const { adapterRoot, baseRoot, dataRoot } = run.signed.attestation;
    for (const fact of [run.id, adapterRoot, baseRoot, dataRoot, run.signed.attester, 'value            0'])
      expect(summary.join('\n')).toContain(fact);
    expect(stdout).toContain(summary.join('\n'));
    expect(await local.node.getTransactionCount({ address: wallet.address, blockTag: 'pending' })).toBe(0);
  });

  test('of a multisig has no nonce nor fees, and needs no ether', async () => {
    const multisig: Hex = '0x00000000000000000000000000000000000516ed';
    const run = await local.run(multisig);
    const written = await at.json(
      null,
      'anchor',
      run.folder,
      '--attestation',
      run.file,
      '--unsigned',
      join(run.folder, 'u'),
    );
    expect(Object.keys(written['transaction'] as object).sort()).toEqual(['chainId', 'data', 'from', 'to', 'value']);
    const poor = ['--attestation', run.file, '--unsigned', join(run.folder, 'u'), '--fees'];
    expect((await at.run(null, 'anchor', run.folder, ...poor)).stderr).toContain('has 0 ETH');
  });

  test('is refused where the registry would refuse it, and where nobody is named who sends it', async () => {
    const run = await local.run('wallet none');
    const args = ['anchor', run.folder, '--attestation', run.file, '--unsigned', join(run.folder, 'u')];
    const stranger = accountNamed('stranger').address;
    expect((await at.run(null, ...args, '--from', stranger)).stderr).toContain('NotRecordOwner');
    expect((await at.run(null, ...args, '--attest', '--from', stranger)).stderr).toContain('NotAnchored');
    expect((await at.run(null, ...args, '--attest')).stderr).toContain('nobody is named who will send it');
  });
});

describe('a transaction signed elsewhere', () => {
  test('is sent if it is the meant one, from a file or as it is, and a second time is found', async () => {
    const { run, args, sign, wallet } = await unsignedOf();
    const raw = join(run.folder, 'raw.txt');
    await writeFile(raw, `${await sign()}\n`);
    const receipt = await at.json(null, ...args, '--signed', raw);
    expect(receipt).toMatchObject({ id: run.id, sender: wallet.address, resumed: false });
    expect((await readStatus(found, run.id)).status).toBe('anchored');
    // The same bytes again are the same transaction, which was mined.
    const again = await at.json(null, ...args, '--signed', await sign());
    expect(again).toMatchObject({ hash: receipt['hash'] });
    expect(await local.node.getTransactionCount({ address: wallet.address })).toBe(1);
  });

  test('is not sent if anything in it differs', async () => {
    const { run, args, sign, parsed, wallet } = await unsignedOf();
    const other = await unsignedOf();
    const flipped = `${parsed.data!.slice(0, -2)}00` as Hex;
    const cases: readonly (readonly [string, Hex, RegExp])[] = [
      ['chain', await sign({ chainId: 1 }), /its chainId is 1, meant is 31337/],
      ['target', await sign({ to: wallet.address }), /its to is 0x/],
      ['data', await sign({ data: flipped === parsed.data ? '0x' : flipped }), /its data is 0x/],
      ['another run', await other.sign(), /its data is 0x/],
      ['value', await sign({ value: 1n }), /its value is 1, meant is 0/],
      ['signer', await accountNamed('stranger').signTransaction(parsed), /its sender is 0x/],
      ['gas', await sign({ gas: 30_000n }), /its gas is 30000, but the call needs/],
      ['nonce', await sign({ nonce: 5 }), /its nonce is 5, but the account's next is 0/],
      ['fee', await sign({ maxFeePerGas: 10n ** 18n }), /has 10 ETH; the transaction may cost/],
      ['unsigned', (await unsignedOf()).written.serialized!, /is no signed Ethereum transaction/],
      ['noise', '0x1234', /is no signed Ethereum transaction/],
    ];
    for (const [what, raw, words] of cases) {
      const { stderr, code } = await at.run(null, ...args, '--signed', raw);
      expect(stderr, what).toMatch(words);
      expect(code, what).toBe(1);
    }
    expect(await run.journals()).toEqual([]);
    expect(await local.node.getTransactionCount({ address: wallet.address, blockTag: 'pending' })).toBe(0);
    const lost = await at.run(null, ...args, '--signed', join(run.folder, 'nothing'));
    expect(lost.stderr).toContain('no such file');
  });

  test('whose nonce is used by another is told', async () => {
    const { args, sign, wallet } = await unsignedOf();
    await local.node.sendTransaction({ account: wallet, chain: null, to: wallet.address, value: 1n });
    const { stderr } = await at.run(null, ...args, '--signed', await sign());
    expect(stderr).toMatch(/was (cancelled|replaced)|another that the node can't name/);
  });

  test('joins what is under way if it has the same nonce, as a higher fee from the wallet', async () => {
    const { args, sign, parsed, wallet, run } = await unsignedOf();
    await local.node.setAutomine(false);
    const first = at.begin(null, ...args, '--signed', await sign());
    await first.says(/sent 0x/);
    first.child.kill('SIGKILL');
    await first.ended;
    const other = await at.run(null, ...args, '--signed', await sign({ nonce: 1 }), '--timeout', '1');
    expect(other.stderr).toContain('with nonce 0 is under way for this; yours has nonce 1');
    const fees = { maxFeePerGas: parsed.maxFeePerGas! * 2n, maxPriorityFeePerGas: parsed.maxPriorityFeePerGas! * 2n };
    const second = at.begin(null, ...args, '--signed', await sign(fees), '--json');
    await second.says(/going on[^]*\nsent 0x/);
    await local.node.mine({ blocks: 1 });
    await local.node.setAutomine(true);
    expect(JSON.parse((await second.ended).stdout)).toMatchObject({ id: run.id, repriced: false });
    expect(await local.node.getTransactionCount({ address: wallet.address })).toBe(1);
  });
});

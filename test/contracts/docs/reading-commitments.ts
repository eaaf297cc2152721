// The guide's examples: what it shows compiles, and does what it says.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, test } from 'node:test';

import { network } from 'hardhat';
import { getAddress, type Abi, type Hex } from 'viem';

import { adapterRecordId } from '../../../protocol/attestation.ts';
import { batchOf } from '../../../prover/chain/batch.ts';
import { attest, attesterNamed, freshRegistry, recordOf, runOf } from '../run-attestations.ts';
import { compile, complaints, readSources } from '../static/compiler.ts';
import { blocksOf, loadBlocks } from '../../support/snippets.ts';

const PAGE = await readFile(new URL('../../../docs/reading-commitments.md', import.meta.url), 'utf8');
const SOLIDITY = blocksOf(PAGE, 'solidity');
const TYPESCRIPT = blocksOf(PAGE, 'ts');

/** What the TypeScript examples take as given. */
const GIVEN = {
  rpcUrl: 'string',
  chainId: 'number',
  registry: '`0x${string}`',
  set: '`0x${string}`',
  adapterRoot: '`0x${string}`',
  first: '`0x${string}`',
  second: '`0x${string}`',
  record: `import('../../prover/chain/registry.ts').AdapterRecord`,
};

/** A block in a file beside the interfaces, compiled without a complaint. */
function compileBlock(block: string): { readonly abi: Abi; readonly bytecode: Hex } {
  const path = 'contracts/Reader.sol';
  const source = `// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n${block}`;
  const output = compile(readSources([path], { [path]: source }), { [path]: { '*': ['abi', 'evm.bytecode.object'] } });
  assert.deepEqual(complaints(output), []);
  const [{ abi, evm }] = Object.values(output.contracts[path]);
  return { abi: abi as Abi, bytecode: `0x${evm.bytecode.object}` };
}

/** A chain with the run anchored and attested by two, of whom a set has both. */
async function trustedRun() {
  const fresh = await freshRegistry();
  const { viem, owner, client, registry, run, attester, attestation, now } = fresh;
  const second = attesterNamed('second');
  const set = await viem.deployContract('AttesterSet', [owner.account.address]);
  for (const { address } of [attester, second]) await set.write.add([address, Number(now), Number(now) + 10_000]);
  const anchor = async () => {
    await registry.write.anchor([recordOf(run), attestation]);
    await registry.write.attest([recordOf(run), await attest(second, run)]);
  };
  const deploy = async (block: string, args: unknown[]) => {
    const { abi, bytecode } = compileBlock(block);
    const hash = await owner.deployContract({ abi, bytecode, args });
    const { contractAddress } = await client.waitForTransactionReceipt({ hash });
    assert.ok(contractAddress);
    return (functionName: string, ...values: unknown[]) =>
      client.readContract({ address: contractAddress, abi, functionName, args: values });
  };
  const ascending = [attester.address, second.address].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  return { ...fresh, second, set, anchor, deploy, ascending };
}

describe('docs/reading-commitments.md, from a contract', () => {
  test('the first example has ten lines and reads what is trusted alone', async () => {
    assert.equal(SOLIDITY[0].trimEnd().split('\n').length, 10);
    const { deploy, registry, set, run, anchor } = await trustedRun();
    const ask = await deploy(SOLIDITY[0], [registry.address, set.address]);
    await assert.rejects(ask('adapterOf', recordOf(run)), /not trusted/);
    await anchor();
    assert.equal(await ask('adapterOf', recordOf(run)), run.adapterRoot);
    await registry.write.revoke([recordOf(run)]);
    await assert.rejects(ask('adapterOf', recordOf(run)), /not trusted/);
  });

  test('the second reads by the id alone', async () => {
    const { deploy, registry, run, anchor, ascending, viem } = await trustedRun();
    const directory = await viem.deployContract('AdapterDirectory', [registry.address]);
    const ask = await deploy(SOLIDITY[1], [directory.address, ascending]);
    const id = adapterRecordId(run);
    await assert.rejects(ask('adapterOf', id), /not trusted/);
    await anchor();
    await assert.rejects(ask('adapterOf', id), 'not published');
    await directory.write.publish([recordOf(run)]);
    assert.deepEqual(await ask('adapterOf', id), [run.adapterRoot, run.baseRoot]);
  });

  test('the third reads a record of a batch', async () => {
    const { deploy, registry, run, now, attester, second } = await trustedRun();
    const runs = [run, runOf(run.owner, now, 'other'), runOf(run.owner, now, 'third')];
    const { root, proofs } = batchOf(runs.map(adapterRecordId));
    const ask = await deploy(SOLIDITY[2], [registry.address, attester.address]);
    const read = async (by = attester, at = 1) =>
      ask('adapterOf', root, at, recordOf(runs[1]), proofs[1], await attest(by, runs[1]));
    await assert.rejects(read(), /not in the batch/);
    await registry.write.anchorBatch([root, 3]);
    assert.equal(await read(), runs[1].adapterRoot);
    await assert.rejects(read(attester, 0), /not in the batch/);
    await assert.rejects(read(second), /not trusted/);
    assert.equal(SOLIDITY.length, 3);
  });
});

describe('docs/reading-commitments.md, from TypeScript', async () => {
  const server = await network.createServer();
  const { address, port } = await server.listen();
  after(() => server.close());
  const rpcUrl = `http://${address}:${port}`;
  const { viem } = await network.create({ network: 'localhost', override: { url: rpcUrl } });
  const [owner] = await viem.getWalletClients();
  const registry = await viem.deployContract('AdapterRegistry');
  const set = await viem.deployContract('AttesterSet', [owner.account.address]);
  const { timestamp } = await (await viem.getPublicClient()).getBlock();
  const run = runOf(owner.account.address, timestamp);
  const [first, second] = ['first', 'second'].map(attesterNamed);
  for (const by of [first, second]) {
    await set.write.add([by.address, Number(timestamp), Number(timestamp) + 10_000]);
  }
  await registry.write.anchor([recordOf(run), await attest(first, run)]);
  await registry.write.attest([recordOf(run), await attest(second, run)]);
  const given = {
    ...{ rpcUrl, chainId: 31337, registry: registry.address, set: set.address, adapterRoot: run.adapterRoot },
    ...{ first: first.address, second: second.address, record: recordOf(run) },
  };
  const id = adapterRecordId(run);
  const { anchoredAt } = await registry.read.anchorOf([id]);

  const expected: unknown[][][] = [
    [[id, getAddress(run.owner), first.address, 'anchored', BigInt(anchoredAt)]],
    [[true], [true]],
    [[true], [[Number(timestamp), anchoredAt]]],
    [[true]],
  ];
  const { errors, programs } = await loadBlocks('reading', TYPESCRIPT, GIVEN);
  test('the examples have no type error', () => {
    assert.deepEqual(errors, []);
    assert.equal(programs.length, expected.length);
  });

  for (const [index, program] of programs.entries()) {
    test(`example ${index + 1} prints what it should`, async () => {
      assert.deepEqual(await program(given), expected[index]);
    });
  }
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import hre, { artifacts, network } from 'hardhat';
import { concat, encodeAbiParameters, getContractAddress, keccak256, zeroHash, type Hex } from 'viem';
import * as chains from 'viem/chains';

import ModelsModule from '../../../ignition/modules/AdapterModels.ts';
import { compile, complaints, CONTRACTS, readSources } from '../static/compiler.ts';

/** The factory that Ignition uses, at this address on every chain that has it: https://github.com/pcaversaccio/createx. */
const FACTORY = '0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed';
/** Of `hardhat.config.ts`. The factory hashes a salt that names no deployer and no chain before it uses it. */
const SALT = zeroHash;

/** Where create2 puts a contract, from its creation code and arguments alone. */
async function addressOf(name: string, args: readonly Hex[] = []): Promise<{ address: Hex; codeHash: Hex }> {
  const { bytecode } = (await artifacts.readArtifact(name)) as { bytecode: Hex };
  const words = encodeAbiParameters(
    args.map(() => ({ type: 'address' })),
    args,
  );
  const code = concat([bytecode, words]);
  const address = getContractAddress({ opcode: 'CREATE2', from: FACTORY, salt: keccak256(SALT), bytecode: code });
  return { address, codeHash: keccak256(code) };
}

async function documented(): Promise<
  {
    contract: string;
    address: Hex;
    codeHash: Hex;
  }[]
> {
  const page = await readFile(new URL('../../../docs/contracts.md', import.meta.url), 'utf8');
  const rows = page.matchAll(/^\| (Adapter\w+) \| `(0x[0-9a-fA-F]{40})` \| `(0x[0-9a-f]{64})` \|$/gm);
  return Array.from(rows, ([, contract, address, codeHash]) => ({
    contract,
    address: address as Hex,
    codeHash: codeHash as Hex,
  }));
}

// Instrumented for coverage, the contracts have other code.
describe('create2', { skip: hre.globalOptions.coverage }, () => {
  test('puts the contracts where docs/contracts.md says, computed without a chain', async () => {
    assert.equal(hre.config.ignition.strategyConfig?.create2?.salt, SALT);
    const registry = await addressOf('AdapterRegistry');
    const directory = await addressOf('AdapterDirectory', [registry.address]);
    const models = await addressOf('AdapterModels', [directory.address]);
    assert.deepEqual(await documented(), [
      { contract: 'AdapterRegistry', ...registry },
      { contract: 'AdapterDirectory', ...directory },
      { contract: 'AdapterModels', ...models },
    ]);
  });

  test('depends on the sources and settings alone, not on what is compiled along', async () => {
    const settings = hre.config.solidity.profiles.production.compilers[0].settings as object;
    const outputs = { [CONTRACTS.AdapterRegistry]: { AdapterRegistry: ['evm.bytecode.object'] } };
    const output = compile(readSources([CONTRACTS.AdapterRegistry]), outputs, settings);
    assert.deepEqual(complaints(output), []);
    const alone = output.contracts[CONTRACTS.AdapterRegistry].AdapterRegistry.evm.bytecode.object;
    const { bytecode } = (await artifacts.readArtifact('AdapterRegistry')) as { bytecode: Hex };
    assert.equal(`0x${alone}`, bytecode);
  });

  test('Ignition puts them there', async () => {
    const { ignition } = await network.create();
    const deployed = await ignition.deploy(ModelsModule, { strategy: 'create2' });
    const rows = await documented();
    for (const [index, name] of (['registry', 'directory', 'models'] as const).entries()) {
      assert.equal(deployed[name].address.toLowerCase(), rows[index].address.toLowerCase(), name);
    }
  });
});

describe('networks', () => {
  test('are the public chains and their test networks, each with its number, so that another node is refused', () => {
    const names = ['mainnet', 'base', 'arbitrum', 'optimism'] as const;
    const tests = ['sepolia', 'baseSepolia', 'arbitrumSepolia', 'optimismSepolia'] as const;
    for (const name of [...names, ...tests]) {
      const configured = hre.config.networks[name];
      assert.ok(configured.type === 'http');
      assert.equal(configured.chainId, chains[name].id, name);
    }
    assert.ok(names.every((name) => !chains[name].testnet));
    assert.ok(tests.every((name) => chains[name].testnet));
  });
});

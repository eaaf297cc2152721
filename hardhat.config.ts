import { fileURLToPath } from 'node:url';

import hardhatToolboxViem from '@nomicfoundation/hardhat-toolbox-viem';
import { defineConfig } from 'hardhat/config';
import * as chains from 'viem/chains';
import type { HttpNetworkUserConfig, SolidityCompilerUserConfig } from 'hardhat/types/config';
import type { HardhatPlugin } from 'hardhat/types/plugins';

// The compiler of the npm package: Hardhat downloads nothing when every compiler entry has a path.
const solc = fileURLToPath(import.meta.resolve('solc/soljson.js'));

/**
 * A compiler warning fails the build. It works on the compiler's own output, since `getCompilationJobErrors` runs after
 * the artifacts are cached and a second build would pass.
 */
const warningsAsErrors: HardhatPlugin = {
  id: 'zklora-warnings-as-errors',
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        invokeSolc: async (context, compiler, solcInput, solcConfig, next) => {
          const output = await next(context, compiler, solcInput, solcConfig);
          // Instrumented for coverage, the sources have warnings of the instrumentation's own.
          if (context.globalOptions.coverage) return output;
          for (const entry of output.errors ?? []) {
            if (entry.severity === 'warning') {
              entry.severity = 'error';
              entry.type = 'WarningAsError';
            }
          }
          return output;
        },
      }),
    }),
  },
};

const compiler: SolidityCompilerUserConfig = {
  version: '0.8.37',
  path: solc,
  settings: {
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 10_000 },
    viaIR: true,
    // The metadata depend on which other sources happen to be compiled along. Without their hash at its end, a contract's
    // creation code, and so its create2 address, depends on its own sources and these settings alone.
    metadata: { bytecodeHash: 'none' },
  },
};

const { ZKLORA_RPC_URL, ZKLORA_PRIVATE_KEY } = process.env;
const accounts = ZKLORA_PRIVATE_KEY === undefined ? 'remote' : [ZKLORA_PRIVATE_KEY];

/** A public chain as viem knows it, so that a node of another chain is refused. */
const publicChain = ({ id, rpcUrls }: chains.Chain): HttpNetworkUserConfig => ({
  type: 'http',
  chainId: id,
  url: ZKLORA_RPC_URL ?? rpcUrls.default.http[0],
  accounts,
});

export default defineConfig({
  plugins: [hardhatToolboxViem, warningsAsErrors],
  // Ignition builds with `production`; the two are one, so that what is tested is what is deployed.
  solidity: { profiles: { default: compiler, production: compiler } },
  paths: { tests: { nodejs: 'test/contracts', solidity: 'test/contracts' } },
  networks: {
    localhost: { type: 'http', url: 'http://127.0.0.1:8545' },
    // Any chain: ZKLORA_RPC_URL=… ZKLORA_PRIVATE_KEY=0x… hardhat ignition deploy --network remote …
    remote: {
      type: 'http',
      url: ZKLORA_RPC_URL ?? 'http://127.0.0.1:8545',
      accounts,
    },
    mainnet: publicChain(chains.mainnet),
    sepolia: publicChain(chains.sepolia),
    base: publicChain(chains.base),
    baseSepolia: publicChain(chains.baseSepolia),
    arbitrum: publicChain(chains.arbitrum),
    arbitrumSepolia: publicChain(chains.arbitrumSepolia),
    optimism: publicChain(chains.optimism),
    optimismSepolia: publicChain(chains.optimismSepolia),
  },
  // With `--strategy create2`: one address on every chain, by the salt and the creation code alone.
  ignition: { strategyConfig: { create2: { salt: `0x${'00'.repeat(32)}` } } },
  // One seed, so that a failure is the same failure the next time.
  test: { solidity: { fuzz: { runs: 256, seed: '0x7a6b4c6f5241' }, invariant: { runs: 8, depth: 60 } } },
});

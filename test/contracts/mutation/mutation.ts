// Branches of the contracts, by mutation: each condition forced each way, and each effect left out, must fail some test.
// Takes long: `ZKLORA_FULL=1 hardhat test nodejs test/contracts/mutation/mutation.ts`, or `./zklora test --full`.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';

import { compile, complaints, readSources, CONTRACTS, type Sources } from '../static/compiler.ts';
import { applyMutant, describeMutant, mutantsOf } from './mutants.ts';
import { copyProject, type ProjectCopy } from './project.ts';

const FULL = process.env.ZKLORA_FULL === '1';
/** Counts of the last full run: docs/contracts.md quotes them. */
const COUNTS = new URL('counts.json', import.meta.url);

type Contract = keyof typeof CONTRACTS;

/** For each contract, the sources that are changed and the test files that must notice. */
const COVERED: Readonly<Record<Contract, { sources: readonly string[]; tests: readonly string[] }>> = {
  AdapterRegistry: {
    sources: [CONTRACTS.AdapterRegistry, 'contracts/BatchTree.sol'],
    tests: ['adapter-registry.ts', 'records.ts', 'attacks.ts'],
  },
  AttesterSet: { sources: [CONTRACTS.AttesterSet], tests: ['attester-set.ts', 'attacks.ts'] },
  AdapterDirectory: { sources: [CONTRACTS.AdapterDirectory], tests: ['directory.ts'] },
  AdapterEscrow: { sources: [CONTRACTS.AdapterEscrow], tests: ['examples.ts'] },
  AdapterGate: { sources: [CONTRACTS.AdapterGate], tests: ['examples.ts'] },
  AdapterModels: { sources: [CONTRACTS.AdapterModels], tests: ['drafts/adapter-models.ts'] },
  AdapterSchemaResolver: { sources: [CONTRACTS.AdapterSchemaResolver], tests: ['eas/resolver.ts'] },
};

/** Creation code without the hash of the source, so that equal code is told from other; undefined if it is refused. */
function codeOf(contract: Contract, sources: Sources): string | undefined {
  const path = CONTRACTS[contract];
  const settings = { optimizer: { enabled: true, runs: 200 }, metadata: { appendCBOR: false, bytecodeHash: 'none' } };
  const { errors = [], contracts } = compile(sources, { [path]: { [contract]: ['evm.bytecode.object'] } }, settings);
  if (errors.some(({ severity }) => severity === 'error')) return undefined;
  return contracts[path][contract].evm.bytecode.object;
}

/** The mutants of one contract that the compiler takes, without those compiled to the same code as another or as none. */
function* changesOf(contract: Contract): Generator<{ name: string; code: string }> {
  const sources = readSources([CONTRACTS[contract]]);
  const seen = new Set([codeOf(contract, sources)]);
  const output = compile(sources, { '*': { '': ['ast'] } });
  assert.deepEqual(complaints(output), []);
  for (const path of COVERED[contract].sources) {
    for (const mutant of mutantsOf(output.sources[path].ast)) {
      const code = codeOf(contract, { ...sources, [path]: applyMutant(sources[path], mutant) });
      if (code === undefined || seen.has(code)) continue;
      seen.add(code);
      yield { name: `${path}:${describeMutant(sources[path], mutant)}`, code };
    }
  }
}

/** Names of the changes that no test noticed, and how many changes there were. */
async function survivorsOf(contract: Contract, copies: readonly ProjectCopy[]): Promise<[string[], number]> {
  const original = codeOf(contract, readSources([CONTRACTS[contract]]));
  assert.ok(original);
  assert.equal(await copies[0].firstFailure(original), null, 'a test fails without any change');
  assert.notEqual(await copies[0].firstFailure('00'), null, 'no test fails without the contract');
  const survivors: string[] = [];
  let count = 0;
  const changes = changesOf(contract);
  await Promise.all(
    copies.map(async (copy) => {
      for (let next = changes.next(); !next.done; next = changes.next()) {
        count++;
        const { name, code } = next.value;
        if ((await copy.firstFailure(code)) === null) survivors.push(name);
      }
    }),
  );
  return [survivors, count];
}

describe('mutation', { skip: !FULL }, () => {
  for (const contract of Object.keys(CONTRACTS) as Contract[]) {
    test(`each change of ${contract} fails some test`, async () => {
      const artifact = `${CONTRACTS[contract]}/${contract}.json`;
      const names = Array.from({ length: availableParallelism() }, (_, i) => `${contract}-${i}`);
      const copies = await Promise.all(names.map((name) => copyProject(name, artifact, COVERED[contract].tests)));
      try {
        const [survivors, count] = await survivorsOf(contract, copies);
        assert.deepEqual(survivors, []);
        const counts = JSON.parse(await readFile(COUNTS, 'utf8')) as Record<string, number>;
        await writeFile(COUNTS, `${JSON.stringify({ ...counts, [contract]: count }, null, 2)}\n`);
      } finally {
        await Promise.all(copies.map((copy) => copy.remove()));
      }
    });
  }
});

test('docs/contracts.md quotes the last full run, which had every contract', async () => {
  const counts = JSON.parse(await readFile(COUNTS, 'utf8')) as Record<string, number>;
  assert.deepEqual(Object.keys(counts).sort(), Object.keys(CONTRACTS).sort());
  const page = await readFile(new URL('../../../docs/contracts.md', import.meta.url), 'utf8');
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  assert.ok(page.includes(`The last full run had ${total} changes`), `${total} changes`);
});

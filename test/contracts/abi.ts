import assert from 'node:assert/strict';
import { test } from 'node:test';

import { artifacts } from 'hardhat';

import { REGISTRY_ABI } from '../../prover/chain/abi.ts';

/** A copy without the compiler's names of structs, and without empty names and flags, which carry no meaning. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meaning);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, entry]) => key !== 'internalType' && entry !== '' && entry !== false && entry !== undefined,
  );
  return Object.fromEntries(kept.sort().map(([key, entry]) => [key, meaning(entry)]));
}

test("the client's ABI is the compiler's", async () => {
  const { abi } = await artifacts.readArtifact('AdapterRegistry');
  const sorted = (entries: readonly unknown[]) => entries.map((entry) => JSON.stringify(meaning(entry))).sort();
  assert.deepEqual(sorted(REGISTRY_ABI), sorted(abi));
});

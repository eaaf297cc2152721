import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { globalOptions } from 'hardhat';
import type { Hex } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { batchOf } from '../../prover/chain/batch.ts';
import { attest, attesterNamed, consentOf, freshRegistry, recordOf, runOf } from './run-attestations.ts';

const ANCHOR_LIMIT = 60_000n;
const BATCH = 100;
const LIMIT_IN_BATCH = 5_000n;
const FULL_WORD: Hex = `0x${'ff'.repeat(32)}`;

// Instrumented for coverage, the contract takes more gas.
describe('gas', { skip: globalOptions.coverage }, () => {
  test('is that of the snapshot within 2 %, and within the limits', async () => {
    const { registry, run, attestation, client, viem, owner, now, attester } = await freshRegistry();
    const used = async (hash: Hex) => (await client.waitForTransactionReceipt({ hash })).gasUsed;
    const { deploymentTransaction } = await viem.sendDeploymentTransaction('AdapterRegistry');
    const records = Array.from({ length: BATCH }, (_, i) => runOf(run.owner, now, `batch/${i}`));
    const { root } = batchOf(records.map(adapterRecordId));
    const directory = await viem.deployContract('AdapterDirectory', [registry.address]);
    const other = runOf(run.owner, now, 'other');
    const otherAttestation = await attest(attester, other);
    const consent = await consentOf(owner, registry.address, other, attester.address, 0n, now + 1_000n);
    const measured = {
      deployment: await used(deploymentTransaction.hash),
      anchor: await used(await registry.write.anchor([recordOf(run), attestation])),
      anchorFor: await used(await registry.write.anchorFor([recordOf(other), otherAttestation, consent])),
      attest: await used(await registry.write.attest([recordOf(run), await attest(attesterNamed('second'), run)])),
      supersede: await used(await registry.write.supersede([recordOf(run), recordOf(other)])),
      revoke: await used(await registry.write.revoke([recordOf(other)])),
      anchorBatch: await used(await registry.write.anchorBatch([root, BATCH])),
      publish: await used(await directory.write.publish([recordOf(run)])),
    };
    assert.ok(measured.anchor <= ANCHOR_LIMIT, `${measured.anchor} gas`);
    assert.ok(measured.anchorBatch / BigInt(BATCH) < LIMIT_IN_BATCH, `${measured.anchorBatch} gas`);

    const text = await readFile(new URL('gas-snapshot.json', import.meta.url), 'utf8');
    const snapshot = JSON.parse(text) as Record<string, number>;
    assert.deepEqual(Object.keys(measured), Object.keys(snapshot));
    for (const [name, gas] of Object.entries(measured)) {
      const change = Math.abs(Number(gas) / snapshot[name] - 1);
      assert.ok(change <= 0.02, `${name}: ${gas} gas, gas-snapshot.json has ${snapshot[name]}`);
    }
  });

  test('the dearest anchor there is takes no more than 60,000 gas', async () => {
    const { registry, owner, client, networkHelpers, attester } = await freshRegistry();
    await networkHelpers.time.setNextBlockTimestamp(0xffffffffn);
    const fields = ['runId', 'runDigest', 'adapterRoot', 'baseRoot', 'dataRoot', 'verifier'] as const;
    const words = Object.fromEntries(fields.map((name) => [name, FULL_WORD]));
    const most = { ...runOf(owner.account.address, 0xfffffffen), ...words, steps: (1n << 64n) - 1n };
    const hash = await registry.write.anchor([recordOf(most), await attest(attester, most)], { gas: 200_000n });
    const { gasUsed, status } = await client.waitForTransactionReceipt({ hash });
    assert.equal(status, 'success');
    assert.ok(gasUsed <= ANCHOR_LIMIT, `${gasUsed} gas`);
  });

  test('stands in docs/contracts.md as in the snapshot', async () => {
    const [snapshot, page] = await Promise.all(
      ['gas-snapshot.json', '../../docs/contracts.md'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
    );
    const rows = Array.from(page.matchAll(/^\| (\w+) \| (\d+) \|$/gm), ([, name, gas]) => [name, Number(gas)] as const);
    assert.deepEqual(Object.fromEntries(rows), JSON.parse(snapshot));
  });
});

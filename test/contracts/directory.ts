import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { zeroAddress, zeroHash } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { batchOf } from '../../prover/chain/batch.ts';
import DirectoryModule from '../../ignition/modules/AdapterDirectory.ts';
import { interfaceId } from './interface-id.ts';
import { freshRegistry, recordOf, runOf } from './run-attestations.ts';

/** A registry with the run anchored, and its directory. */
async function freshDirectory() {
  const fresh = await freshRegistry();
  const { viem, registry, run, attestation, now, networkHelpers } = fresh;
  const directory = await viem.deployContract('AdapterDirectory', [registry.address]);
  await networkHelpers.time.setNextBlockTimestamp(now + 100n);
  await registry.write.anchor([recordOf(run), attestation]);
  return { ...fresh, directory, id: adapterRecordId(run), anchoredAt: Number(now + 100n) };
}

describe('AdapterDirectory', () => {
  test('shows each field of a record by its id, whoever published it', async () => {
    const { directory, registry, run, id, anchoredAt, stranger, viem } = await freshDirectory();
    assert.equal(await directory.read.isPublished([id]), false);
    const sent = directory.write.publish([recordOf(run)], { account: stranger.account });
    await viem.assertions.emitWithArgs(sent, directory, 'RecordPublished', [id, run.adapterRoot, run.owner]);
    assert.equal(await directory.read.isPublished([id]), true);
    assert.deepEqual(await directory.read.recordOf([id]), recordOf(run));
    assert.equal(await directory.read.commitmentOf([id]), run.adapterRoot);
    assert.equal(await directory.read.baseOf([id]), run.baseRoot);
    assert.equal(await directory.read.dataOf([id]), run.dataRoot);
    assert.equal(await directory.read.runDigestOf([id]), run.runDigest);
    assert.equal(await directory.read.ownerOf([id]), run.owner);
    assert.equal(await directory.read.anchoredAt([id]), anchoredAt);
    assert.equal(await directory.read.statusOf([id]), 1);
    const registryAddress = await directory.read.registry();
    assert.equal(registryAddress.toLowerCase(), registry.address.toLowerCase());
  });

  test('returns the id', async () => {
    const { directory, run, id } = await freshDirectory();
    assert.equal((await directory.simulate.publish([recordOf(run)])).result, id);
  });

  test('tells what became of a record, and publishes ended ones too', async () => {
    const { directory, registry, run, id, anchoredAt } = await freshDirectory();
    await registry.write.revoke([recordOf(run)]);
    await directory.write.publish([recordOf(run)]);
    assert.equal(await directory.read.statusOf([id]), 3);
    assert.equal(await directory.read.anchoredAt([id]), anchoredAt);
    assert.equal(await directory.read.commitmentOf([id]), run.adapterRoot);
  });

  test('answers for no id that was not published: a zero would pass for a commitment', async () => {
    const { directory, id, viem } = await freshDirectory();
    const names = [
      'recordOf',
      'commitmentOf',
      'baseOf',
      'dataOf',
      'runDigestOf',
      'ownerOf',
      'anchoredAt',
      'statusOf',
    ] as const;
    for (const asked of [id, zeroHash]) {
      for (const name of names) {
        await viem.assertions.revertWithCustomErrorWithArgs(directory.read[name]([asked]), directory, 'NotPublished', [
          asked,
        ]);
      }
    }
  });

  test('publishes no record twice, and none that was never anchored: unknown, in a batch, revoked beforehand', async () => {
    const { directory, registry, run, id, now, viem } = await freshDirectory();
    await directory.write.publish([recordOf(run)]);
    const again = directory.write.publish([recordOf(run)]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, directory, 'AlreadyPublished', [id]);
    const [unknown, batched, revoked] = ['unknown', 'batched', 'revoked'].map((seed) => runOf(run.owner, now, seed));
    await registry.write.anchorBatch([batchOf([adapterRecordId(batched)]).root, 1]);
    await registry.write.revoke([recordOf(revoked)]);
    for (const other of [unknown, batched, revoked]) {
      const sent = directory.write.publish([recordOf(other)]);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, directory, 'NeverAnchored', [adapterRecordId(other)]);
    }
  });

  test('a changed field is another record', async () => {
    const { directory, run, id, viem } = await freshDirectory();
    const forged = { ...recordOf(run), adapterRoot: zeroHash };
    const sent = directory.write.publish([forged]);
    await viem.assertions.revertWithCustomErrorWithArgs(sent, directory, 'NeverAnchored', [adapterRecordId(forged)]);
    assert.equal(await directory.read.isPublished([id]), false);
  });

  test('needs a registry; has ERC-165; Ignition deploys both by create2', async () => {
    const { directory, ignition, run, attestation, id, viem } = await freshDirectory();
    const orphan = viem.deployContract('AdapterDirectory', [zeroAddress]);
    await viem.assertions.revertWithCustomError(orphan, directory, 'ZeroRegistry');
    for (const [asked, supported] of [
      ['0x01ffc9a7', true],
      [await interfaceId('IAdapterDirectory'), true],
      ['0xffffffff', false],
    ] as const) {
      assert.equal(await directory.read.supportsInterface([asked]), supported, asked);
    }
    const deployed = await ignition.deploy(DirectoryModule, { strategy: 'create2' });
    await deployed.registry.write.anchor([recordOf(run), attestation]);
    await deployed.directory.write.publish([recordOf(run)]);
    assert.equal(await deployed.directory.read.commitmentOf([id]), run.adapterRoot);
  });
});

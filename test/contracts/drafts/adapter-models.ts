import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { getAddress, keccak256, toBytes, toFunctionSelector, toHex, zeroHash, type Hex } from 'viem';

import ModelsModule from '../../../ignition/modules/AdapterModels.ts';
import { adapterRecordId } from '../../../protocol/attestation.ts';
import { interfaceId } from '../interface-id.ts';
import { attest, freshRegistry, recordOf, runOf } from '../run-attestations.ts';

const PROOF_SYSTEM = keccak256(toBytes('zklora-training-v1')).slice(0, 10) as Hex;

/** A published record of the owner, and the facade. */
async function freshModels() {
  const fresh = await freshRegistry();
  const { viem, registry, run, attestation } = fresh;
  const directory = await viem.deployContract('AdapterDirectory', [registry.address]);
  const models = await viem.deployContract('AdapterModels', [directory.address]);
  await registry.write.anchor([recordOf(run), attestation]);
  await directory.write.publish([recordOf(run)]);
  const id = adapterRecordId(run);
  const commitment = {
    modelHash: id,
    circuitHash: run.verifier,
    vkHash: zeroHash,
    proofSystemId: PROOF_SYSTEM,
    uri: '',
  };
  return { ...fresh, directory, models, id, modelId: BigInt(id), commitment };
}

describe('AdapterModels', () => {
  test('registers what the record says, for its owner', async () => {
    const { models, modelId, commitment, run, viem } = await freshModels();
    assert.equal((await models.simulate.registerModel([commitment])).result, modelId);
    const sent = models.write.registerModel([commitment]);
    await viem.assertions.emitWithArgs(sent, models, 'ModelRegistered', [modelId, run.owner, commitment]);
    assert.deepEqual(await models.read.getModel([modelId]), [commitment, false, run.owner]);
    assert.equal(await models.read.proofSystemOf([modelId]), PROOF_SYSTEM);
    const again = models.write.registerModel([commitment]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, models, 'AlreadyRegistered', [modelId]);
  });

  test('registers no other commitment, field by field', async () => {
    const { models, modelId, commitment, viem } = await freshModels();
    const changes = {
      circuitHash: zeroHash,
      vkHash: commitment.circuitHash,
      proofSystemId: '0x00000000',
      uri: 'ipfs://',
    };
    for (const [field, value] of Object.entries(changes)) {
      const sent = models.write.registerModel([{ ...commitment, [field]: value }]);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, models, 'CommitmentMismatch', [modelId]);
    }
  });

  test('registers for nobody else, nothing unpublished and nothing ended', async () => {
    const { models, directory, registry, run, id, modelId, commitment, stranger, viem } = await freshModels();
    const sender = getAddress(stranger.account.address);
    const stolen = models.write.registerModel([commitment], { account: stranger.account });
    await viem.assertions.revertWithCustomErrorWithArgs(stolen, models, 'NotModelOwner', [modelId, sender]);
    const unknown = models.write.registerModel([{ ...commitment, modelHash: zeroHash }]);
    await viem.assertions.revertWithCustomErrorWithArgs(unknown, directory, 'NotPublished', [zeroHash]);
    await registry.write.revoke([recordOf(run)]);
    const revoked = models.write.registerModel([commitment]);
    await viem.assertions.revertWithCustomErrorWithArgs(revoked, models, 'RecordEnded', [id, 3]);
  });

  test('deprecates by its owner alone, for ever', async () => {
    const { models, modelId, commitment, run, stranger, viem } = await freshModels();
    const unregistered = models.write.deprecateModel([modelId]);
    await viem.assertions.revertWithCustomErrorWithArgs(unregistered, models, 'ModelNotFound', [modelId]);
    await models.write.registerModel([commitment]);
    const sender = getAddress(stranger.account.address);
    const stolen = models.write.deprecateModel([modelId], { account: stranger.account });
    await viem.assertions.revertWithCustomErrorWithArgs(stolen, models, 'NotModelOwner', [modelId, sender]);
    await viem.assertions.emitWithArgs(models.write.deprecateModel([modelId]), models, 'ModelDeprecated', [modelId]);
    assert.deepEqual(await models.read.getModel([modelId]), [commitment, true, run.owner]);
    const again = models.simulate.deprecateModel([modelId]);
    await assert.rejects(again, (error: Error) => error.message.includes('ModelDeprecated'));
    const anew = models.write.registerModel([commitment]);
    await viem.assertions.revertWithCustomErrorWithArgs(anew, models, 'AlreadyRegistered', [modelId]);
  });

  test('is deprecated too where the registry has revoked or superseded the record', async () => {
    for (const revoked of [true, false]) {
      const { models, registry, run, modelId, commitment, attester, now } = await freshModels();
      await models.write.registerModel([commitment]);
      const newer = runOf(run.owner, now, 'newer');
      await registry.write.anchor([recordOf(newer), await attest(attester, newer)]);
      if (revoked) await registry.write.revoke([recordOf(run)]);
      else await registry.write.supersede([recordOf(run), recordOf(newer)]);
      assert.equal((await models.read.getModel([modelId]))[1], true);
    }
  });

  test('changes no model', async () => {
    const { models, modelId, commitment, owner, stranger, viem } = await freshModels();
    const update = (account = stranger.account) => models.read.updateModel([modelId, commitment], { account });
    await viem.assertions.revertWithCustomErrorWithArgs(update(), models, 'ModelNotFound', [modelId]);
    await models.write.registerModel([commitment]);
    const sender = getAddress(stranger.account.address);
    await viem.assertions.revertWithCustomErrorWithArgs(update(), models, 'NotModelOwner', [modelId, sender]);
    const own = update(owner.account);
    await viem.assertions.revertWithCustomErrorWithArgs(own, models, 'ModelsAreFixed', [modelId]);
  });

  test('verifies no inference, whatever is brought', async () => {
    const { models, modelId, commitment, viem } = await freshModels();
    const unknown = models.read.getModel([modelId]);
    await viem.assertions.revertWithCustomErrorWithArgs(unknown, models, 'ModelNotFound', [modelId]);
    const verify = (proof: Hex) => models.read.verifyInference([modelId, zeroHash, '0x', proof]);
    await viem.assertions.revertWithCustomErrorWithArgs(verify('0x'), models, 'ModelNotFound', [modelId]);
    await models.write.registerModel([commitment]);
    for (const proof of ['0x', '0x01', toHex(new Uint8Array(100))] as const) {
      const expected: [Hex] = [PROOF_SYSTEM];
      await viem.assertions.revertWithCustomErrorWithArgs(verify(proof), models, 'UnsupportedProofSystem', expected);
    }
  });

  test('ERC-165: the draft’s registry, not its verifier', async () => {
    const { models } = await freshModels();
    assert.equal((await models.read.registry()).toLowerCase(), models.address);
    const answers: [Hex, boolean][] = [
      ['0x01ffc9a7', true],
      [await interfaceId('IERCZKMLRegistry'), true],
      [await interfaceId('IERCZKMLVerifier'), false],
      ['0xffffffff', false],
    ];
    for (const [asked, supported] of answers)
      assert.equal(await models.read.supportsInterface([asked]), supported, asked);
  });

  test('has the selectors of the draft’s text', async () => {
    const { models, viem, modelId, commitment } = await freshModels();
    const draft = [
      'function registerModel((bytes32,bytes32,bytes32,bytes4,string)) returns (uint256)',
      'function updateModel(uint256,(bytes32,bytes32,bytes32,bytes4,string))',
      'function deprecateModel(uint256)',
      'function getModel(uint256) view returns ((bytes32,bytes32,bytes32,bytes4,string),bool,address)',
      'function verifyInference(uint256,bytes32,bytes,bytes)',
      'function proofSystemOf(uint256) view returns (bytes4)',
      'function registry() view returns (address)',
    ];
    const has = models.abi.flatMap((entry) => (entry.type === 'function' ? [toFunctionSelector(entry)] : []));
    for (const signature of draft) assert.ok(has.includes(toFunctionSelector(signature)), signature);
    const reader = await viem.getContractAt('IERCZKMLRegistry', models.address);
    await reader.write.registerModel([commitment]);
    assert.equal((await reader.read.getModel([modelId]))[0].modelHash, commitment.modelHash);
  });

  test('Ignition deploys it with its directory and registry', async () => {
    const { ignition } = await freshModels();
    const { models, directory, registry } = await ignition.deploy(ModelsModule, { strategy: 'create2' });
    assert.equal(await models.read.directory(), getAddress(directory.address));
    assert.equal(await directory.read.registry(), getAddress(registry.address));
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { getAddress, zeroAddress, zeroHash, type Hex } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { batchOf, inBatch } from '../../prover/chain/batch.ts';
import { attest, attesterNamed, consentOf, freshRegistry, recordOf, runOf } from './run-attestations.ts';

const STATUS = { Unknown: 0, Anchored: 1, Superseded: 2, Revoked: 3 } as const;

/** A chain with the first run anchored, and a second, third of the same owner not yet. */
async function anchoredRegistry() {
  const fresh = await freshRegistry();
  const { registry, run, attestation, attester, now } = fresh;
  await registry.write.anchor([recordOf(run), attestation]);
  const [second, third] = ['second', 'third'].map((seed) => runOf(run.owner, now, seed));
  const anchor = async (other: typeof run) => registry.write.anchor([recordOf(other), await attest(attester, other)]);
  return { ...fresh, id: adapterRecordId(run), second, third, anchor };
}

describe('anchorFor', () => {
  test("anchors by the owner's EIP-712 signature, whoever sends it", async () => {
    const { registry, run, attestation, attester, owner, stranger, now, viem } = await freshRegistry();
    const consent = await consentOf(owner, registry.address, run, attester.address, 0n, now + 100n);
    const sent = registry.write.anchorFor([recordOf(run), attestation, consent], { account: stranger.account });
    await viem.assertions.emit(sent, registry, 'AdapterAnchored');
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
    assert.equal(await registry.read.nonces([run.owner]), 1n);
  });

  test('refuses a consent that expired, was used or cancelled, or is another’s', async () => {
    const { registry, run, attestation, attester, owner, stranger, now, viem } = await freshRegistry();
    const sign = (by: typeof owner, nonce: bigint, deadline: bigint) =>
      consentOf(by, registry.address, run, attester.address, nonce, deadline);
    const refused = async (
      consent: Awaited<ReturnType<typeof sign>>,
      error: 'ConsentExpired' | 'InvalidConsent' | 'InvalidAccountNonce',
    ) => {
      const sent = registry.write.anchorFor([recordOf(run), attestation, consent]);
      await viem.assertions.revertWithCustomError(sent, registry, error);
    };
    await refused(await sign(owner, 0n, now - 1n), 'ConsentExpired');
    await refused(await sign(stranger, 0n, now + 1000n), 'InvalidConsent');
    await refused(await sign(owner, 1n, now + 1000n), 'InvalidAccountNonce');
    const cancelled = await sign(owner, 0n, now + 1000n);
    await viem.assertions.emitWithArgs(registry.write.cancelConsents(), registry, 'ConsentCancelled', [run.owner, 0n]);
    await refused(cancelled, 'InvalidAccountNonce');
    const consent = await sign(owner, 1n, now + 1000n);
    await registry.write.anchorFor([recordOf(run), attestation, consent]);
    await refused(consent, 'InvalidAccountNonce');
    await refused(await sign(owner, 2n, now + 1000n).then((next) => ({ ...next, signature: '0x' })), 'InvalidConsent');
  });
});

describe('attest', () => {
  test('records further attestations, each attester’s once', async () => {
    const { registry, run, id, now, attester, stranger, networkHelpers, viem } = await anchoredRegistry();
    const second = attesterNamed('second');
    await networkHelpers.time.setNextBlockTimestamp(now + 50n);
    const sent = registry.write.attest([recordOf(run), await attest(second, run)], { account: stranger.account });
    await viem.assertions.emitWithArgs(sent, registry, 'AdapterAttested', [id, second.address, run.issuedAt]);
    assert.deepEqual(await registry.read.attestationOf([id, second.address]), [Number(now), Number(now + 50n)]);
    for (const by of [attester, second]) {
      assert.equal(await registry.read.isAttestedBy([id, by.address]), true);
      const again = registry.write.attest([recordOf(run), await attest(by, run)]);
      await viem.assertions.revertWithCustomErrorWithArgs(again, registry, 'AlreadyAttested', [id, by.address]);
    }
    assert.deepEqual(await registry.read.attestationOf([id, stranger.account.address]), [0, 0]);
  });

  test('refuses records that are not anchored, and signatures that anchor would refuse', async () => {
    const { registry, run, second, attester, now, viem } = await anchoredRegistry();
    const unknown = registry.write.attest([recordOf(second), await attest(attester, second)]);
    const expected: [Hex, number] = [adapterRecordId(second), STATUS.Unknown];
    await viem.assertions.revertWithCustomErrorWithArgs(unknown, registry, 'NotAnchored', expected);
    const other = await attest(attesterNamed('second'), run);
    const send = (changed: object) => registry.write.attest([recordOf(run), { ...other, ...changed }]);
    await viem.assertions.revertWithCustomError(send({ signature: '0x' }), registry, 'InvalidSignature');
    await viem.assertions.revertWithCustomError(send({ attester: run.owner }), registry, 'AttesterMismatch');
    await viem.assertions.revertWithCustomError(send({ issuedAt: now + 9_999n }), registry, 'AttestationFromFuture');
  });

  test('isAttested counts the attesters that the reader trusts', async () => {
    const { registry, run, id, attester, viem } = await anchoredRegistry();
    const others = ['second', 'third'].map(attesterNamed);
    await registry.write.attest([recordOf(run), await attest(others[0], run)]);
    const sorted = [attester, ...others].map(({ address }) => address).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const ask = (attesters: Hex[], threshold: bigint) => registry.read.isAttested([id, attesters, threshold]);
    assert.equal(await ask(sorted, 2n), true);
    assert.equal(await ask(sorted, 3n), false);
    assert.equal(await ask([others[1].address], 1n), false);
    assert.equal(await registry.read.isAttested([zeroHash, [`0x${'00'.repeat(20)}`], 1n]), false);
    const error = viem.assertions.revertWithCustomErrorWithArgs.bind(viem.assertions);
    await error(ask([attester.address, attester.address], 2n), registry, 'AttestersNotAscending', [1n]);
    await viem.assertions.revertWithCustomError(ask(sorted, 0n), registry, 'ZeroThreshold');
    await registry.write.revoke([recordOf(run)]);
    assert.equal(await ask(sorted, 1n), false);
  });

  test('verifyAttestation tells a signature that holds from one that does not', async () => {
    const { registry, run, second, attestation, attester, now } = await freshRegistry().then((fresh) => ({
      ...fresh,
      second: runOf(fresh.run.owner, fresh.now, 'second'),
    }));
    const ask = (of: typeof run, changed: object) =>
      registry.read.verifyAttestation([recordOf(of), { ...attestation, ...changed }]);
    assert.equal(await ask(run, {}), true);
    assert.equal(await ask(second, {}), false);
    assert.equal(await ask(run, { signature: '0x' }), false);
    // What recovers nothing recovers the zero address.
    assert.equal(await ask(run, { signature: '0x', attester: zeroAddress }), false);
    assert.deepEqual(await registry.read.attestationOf([adapterRecordId(run), zeroAddress]), [0, 0]);
    assert.equal(await ask(run, { attester: run.owner }), false);
    const future = { ...run, issuedAt: now + 9_999n };
    assert.equal(await ask(run, await attest(attester, future)), false);
  });
});

describe('revoke and supersede', () => {
  test('revoke ends a record for ever, dated, also one that was never anchored', async () => {
    const { registry, run, id, second, anchor, now, networkHelpers, stranger, viem } = await anchoredRegistry();
    const stolen = registry.write.revoke([recordOf(run)], { account: stranger.account });
    const names: [Hex, Hex] = [getAddress(stranger.account.address), run.owner];
    await viem.assertions.revertWithCustomErrorWithArgs(stolen, registry, 'NotRecordOwner', names);
    await networkHelpers.time.setNextBlockTimestamp(now + 70n);
    await viem.assertions.emitWithArgs(registry.write.revoke([recordOf(run)]), registry, 'AdapterRevoked', [
      id,
      run.owner,
    ]);
    assert.equal(await registry.read.statusOf([id]), STATUS.Revoked);
    assert.equal(await registry.read.endedAt([id]), Number(now + 70n));
    assert.equal(await registry.read.isAnchored([id]), false);
    const again = registry.write.revoke([recordOf(run)]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, registry, 'AlreadyRevoked', [id]);
    await registry.write.revoke([recordOf(second)]);
    await viem.assertions.revertWithCustomError(anchor(second), registry, 'AlreadyAnchored');
    await viem.assertions.revertWithCustomError(anchor(run), registry, 'AlreadyAnchored');
  });

  test('supersede links an older record to a newer one', async () => {
    const { registry, run, id, second, anchor, viem } = await anchoredRegistry();
    const newer = adapterRecordId(second);
    await anchor(second);
    const sent = registry.write.supersede([recordOf(run), recordOf(second)]);
    await viem.assertions.emitWithArgs(sent, registry, 'AdapterSuperseded', [id, newer, run.owner]);
    assert.equal(await registry.read.statusOf([id]), STATUS.Superseded);
    assert.equal(await registry.read.statusOf([newer]), STATUS.Anchored);
    assert.deepEqual([await registry.read.parentOf([newer]), await registry.read.successorOf([id])], [id, newer]);
    assert.deepEqual(
      [await registry.read.parentOf([id]), await registry.read.successorOf([newer])],
      [zeroHash, zeroHash],
    );
    const ended = await registry.read.endedAt([id]);
    await registry.write.revoke([recordOf(run)]);
    assert.equal(await registry.read.statusOf([id]), STATUS.Revoked);
    assert.equal(await registry.read.endedAt([id]), ended);
  });

  test('supersede refuses strangers, branches, cycles and what is not anchored', async () => {
    const { registry, run, id, second, third, anchor, stranger, now, viem } = await anchoredRegistry();
    const refuses = async (older: typeof run, newer: typeof run, error: string, args: [Hex, (Hex | number)?]) => {
      const sent = registry.write.supersede([recordOf(older), recordOf(newer)]);
      await viem.assertions.revertWithCustomErrorWithArgs(
        sent,
        registry,
        error as 'NotAnchored',
        args as [Hex, number],
      );
    };
    const theirs = runOf(stranger.account.address, now, 'theirs');
    await refuses(theirs, run, 'NotRecordOwner', [run.owner, theirs.owner]);
    await refuses(run, theirs, 'NotRecordOwner', [run.owner, theirs.owner]);
    await refuses(run, run, 'SupersedesItself', [id]);
    await refuses(run, second, 'NotAnchored', [adapterRecordId(second), STATUS.Unknown]);
    await anchor(second);
    await registry.write.supersede([recordOf(run), recordOf(second)]);
    await refuses(third, second, 'AlreadySuccessor', [adapterRecordId(second), id]);
    await refuses(second, run, 'NotAnchored', [id, STATUS.Superseded]);
    await anchor(third);
    await refuses(run, third, 'NotSupersedable', [id, STATUS.Superseded]);
  });
});

describe('anchorBatch', () => {
  test('holds each record at its index; the tree is that of prover/chain/batch.ts', async () => {
    const { registry, run, now, owner, viem, networkHelpers } = await freshRegistry();
    const records = Array.from({ length: 5 }, (_, i) => runOf(run.owner, now, `batch/${i}`));
    const ids = records.map(adapterRecordId);
    const { root, proofs } = batchOf(ids);
    await networkHelpers.time.setNextBlockTimestamp(now + 5n);
    const expected = [root, getAddress(owner.account.address), records.length] as const;
    await viem.assertions.emitWithArgs(registry.write.anchorBatch([root, 5]), registry, 'BatchAnchored', [...expected]);
    assert.deepEqual(await registry.read.batchOf([run.owner, root]), { anchoredAt: Number(now + 5n), count: 5 });
    for (const [leaf, record] of records.entries()) {
      for (let index = 0; index < 8; index++) {
        const argument = [root, BigInt(index), recordOf(record), proofs[leaf]] as const;
        assert.equal(await registry.read.verifyInclusion(argument), index === leaf, `${leaf} at ${index}`);
        assert.equal(inBatch(root, 5, index, ids[leaf], proofs[leaf]), index === leaf);
      }
    }
    const again = registry.write.anchorBatch([root, 5]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, registry, 'BatchAlreadyAnchored', [run.owner, root]);
    await viem.assertions.revertWithCustomError(registry.write.anchorBatch([zeroHash, 0]), registry, 'EmptyBatch');
  });
});

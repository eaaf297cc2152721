// What a hostile owner, attester, relayer, reader or curator could try, beyond the plain reverts of the other files.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { concat, encodeFunctionData, getAddress, keccak256, pad, toHex, zeroHash, type Hex } from 'viem';

import { adapterRecordId, ATTESTATION_DOMAIN, ATTESTATION_TYPES } from '../../protocol/attestation.ts';
import { batchOf } from '../../prover/chain/batch.ts';
import { attest, attesterNamed, consentOf, freshRegistry, recordOf, runOf } from './run-attestations.ts';

/** Creation code of a contract whose runtime code is `runtime`. */
function creationOf(runtime: Hex): Hex {
  const length = (runtime.length - 2) / 2;
  return concat([
    '0x61',
    toHex(length, { size: 2 }),
    '0x600e600039',
    '0x61',
    toHex(length, { size: 2 }),
    '0x6000f3',
    runtime,
  ]);
}

describe('a signature made for one thing and used for another', () => {
  test('an attestation of a segment is none of a run', async () => {
    const { registry, run, attester, viem } = await freshRegistry();
    const signature = await attester.signTypedData({
      domain: ATTESTATION_DOMAIN,
      types: ATTESTATION_TYPES,
      primaryType: 'SegmentAttestation',
      message: {
        statementHash: run.runId,
        proofDigest: run.runDigest,
        verifier: run.verifier,
        owner: run.owner,
        issuedAt: run.issuedAt,
      },
    });
    const sent = registry.write.anchor([
      recordOf(run),
      { attester: attester.address, issuedAt: run.issuedAt, signature },
    ]);
    await viem.assertions.revertWithCustomError(sent, registry, 'AttesterMismatch');
  });

  test('an attestation by the owner is no consent, and a consent no attestation', async () => {
    const { registry, now, viem } = await freshRegistry();
    const owner = attesterNamed('owner');
    const run = runOf(owner.address, now);
    const attestation = await attest(owner, run);
    const deadline = now + 1_000n;
    const asConsent = { nonce: 0n, deadline, signature: attestation.signature };
    const first = registry.write.anchorFor([recordOf(run), attestation, asConsent]);
    await viem.assertions.revertWithCustomErrorWithArgs(first, registry, 'InvalidConsent', [owner.address]);
    const consent = await consentOf(
      { account: owner, signTypedData: (message) => owner.signTypedData(message) },
      registry.address,
      run,
      owner.address,
      0n,
      deadline,
    );
    const asAttestation = { ...attestation, signature: consent.signature };
    const second = registry.write.anchorFor([recordOf(run), asAttestation, consent]);
    await viem.assertions.revertWithCustomError(second, registry, 'AttesterMismatch');
    await registry.write.anchorFor([recordOf(run), attestation, consent]);
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
  });

  test('a consent does not let the relayer choose another attester', async () => {
    const { registry, run, attester, owner, stranger, now, viem } = await freshRegistry();
    const mine = attesterNamed('the relayer’s');
    const consent = await consentOf(owner, registry.address, run, attester.address, 0n, now + 1_000n);
    const sent = registry.write.anchorFor([recordOf(run), await attest(mine, run), consent], {
      account: stranger.account,
    });
    await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'InvalidConsent', [run.owner]);
  });
});

describe('owners that are contracts', () => {
  /** What a wallet's code answers to isValidSignature, whatever it is asked. */
  const hostile: Record<string, Hex> = {
    'stops without data': '0x00',
    reverts: '0x60006000fd',
    'answers false': '0x60005f5260205ff3',
    'answers the magic value in the low bytes': '0x631626ba7e5f5260205ff3',
    'answers four bytes alone': '0x631626ba7e60e01b5f5260045ff3',
    'answers the magic value and dirt':
      '0x7f1626ba7e000000000000000000000000000000000000000000000000000000015f5260205ff3',
    'writes to its storage first': '0x60015f55631626ba7e60e01b5f5260205ff3',
    'takes all gas': '0x5b5f56',
  };
  const honest: Hex = '0x631626ba7e60e01b5f5260205ff3';

  const attempt = async (runtime: Hex) => {
    const fresh = await freshRegistry();
    const { owner, client, registry, attester, now } = fresh;
    const hash = await owner.sendTransaction({ data: creationOf(runtime) });
    const wallet = (await client.waitForTransactionReceipt({ hash })).contractAddress;
    assert.ok(wallet);
    assert.equal(await client.getCode({ address: wallet }), runtime);
    const run = runOf(wallet, now);
    const consent = { nonce: 0n, deadline: now + 1_000n, signature: '0x' as const };
    const sent = registry.write.anchorFor([recordOf(run), await attest(attester, run), consent], { gas: 1_000_000n });
    return { ...fresh, run, sent };
  };

  for (const [name, runtime] of Object.entries(hostile)) {
    test(`a wallet that ${name} consents to nothing`, async () => {
      const { viem, registry, run, sent } = await attempt(runtime);
      if (name === 'takes all gas') await assert.rejects(sent);
      else
        await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'InvalidConsent', [getAddress(run.owner)]);
      assert.equal(await registry.read.statusOf([adapterRecordId(run)]), 0);
      assert.equal(await registry.read.nonces([run.owner]), 0n);
    });
  }

  test('a wallet that consents to everything anchors its own records alone', async () => {
    const { registry, run, sent, owner, attester, now, viem } = await attempt(honest);
    await sent;
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
    const others = runOf(owner.account.address, now, 'another owner’s');
    const consent = { nonce: 0n, deadline: now + 1_000n, signature: '0x' as const };
    const stolen = registry.write.anchorFor([recordOf(others), await attest(attester, others), consent]);
    await viem.assertions.revertWithCustomErrorWithArgs(stolen, registry, 'InvalidConsent', [others.owner]);
  });

  test('an account that delegates its code (EIP-7702) is asked as a contract, and can send its own', async () => {
    const { registry, run, attester, attestation, owner, now, networkHelpers, viem } = await freshRegistry();
    const consent = await consentOf(owner, registry.address, run, attester.address, 0n, now + 1_000n);
    // The registry as the delegate: it has no isValidSignature.
    await networkHelpers.setCode(run.owner, concat(['0xef0100', registry.address]));
    const sent = registry.write.anchorFor([recordOf(run), attestation, consent]);
    await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'InvalidConsent', [run.owner]);
    await registry.write.anchor([recordOf(run), attestation]);
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
  });

  test('contracts attest nothing: an attester is a key', async () => {
    const { registry, run, viem } = await freshRegistry();
    const attestation = { attester: registry.address, issuedAt: run.issuedAt, signature: '0x' as const };
    const sent = registry.write.anchor([recordOf(run), attestation]);
    await viem.assertions.revertWithCustomError(sent, registry, 'InvalidSignature');
  });
});

describe('calls made by hand', () => {
  test('a time of issue wider than its type is refused, not truncated', async () => {
    const { registry, run, attestation, owner } = await freshRegistry();
    const data = encodeFunctionData({
      abi: registry.abi,
      functionName: 'anchor',
      args: [recordOf(run), attestation],
    });
    const at = data.indexOf(pad(toHex(run.issuedAt)).slice(2));
    assert.ok(at > 0);
    const dirty: Hex = `0x${data.slice(2, at)}01${data.slice(at + 2)}`;
    await assert.rejects(owner.sendTransaction({ to: registry.address, data: dirty, gas: 200_000n }));
    await owner.sendTransaction({ to: registry.address, data });
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
  });

  test('an owner or a number of steps wider than its type is refused, not hashed', async () => {
    const { registry, run, owner } = await freshRegistry();
    const data = encodeFunctionData({ abi: registry.abi, functionName: 'idOf', args: [recordOf(run)] });
    for (const [field, width] of [
      [5, 20],
      [6, 8],
    ]) {
      const at = 2 + 2 * (4 + 32 * field + 32 - width) - 2;
      const dirty: Hex = `0x${data.slice(2, at)}01${data.slice(at + 2)}`;
      assert.equal(dirty.length, data.length);
      await assert.rejects(owner.sendTransaction({ to: registry.address, data: dirty, gas: 200_000n }));
    }
    await owner.sendTransaction({ to: registry.address, data, gas: 200_000n });
  });

  test('no contract takes ether or unknown calls', async () => {
    const { registry, owner, viem } = await freshRegistry();
    const set = await viem.deployContract('AttesterSet', [owner.account.address]);
    const directory = await viem.deployContract('AdapterDirectory', [registry.address]);
    for (const { address: to } of [registry, set, directory]) {
      await assert.rejects(owner.sendTransaction({ to, value: 1n, gas: 100_000n }));
      await assert.rejects(owner.sendTransaction({ to, data: '0xdeadbeef', gas: 100_000n }));
    }
  });
});

describe('batches', () => {
  test('of the most records there can be hold 32 levels, and no more or fewer', async () => {
    const { registry, run } = await freshRegistry();
    const word = (text: string) => keccak256(toHex(text));
    const [leaf, node] = [word('zkLoRA.batch.leaf.v1'), word('zkLoRA.batch.node.v1')];
    const index = 0xfffffffen;
    const proof = Array.from({ length: 32 }, (_, level) => word(`sibling ${level}`));
    const rootOf = (siblings: readonly Hex[]) =>
      siblings.reduce<Hex>(
        (hash, sibling, level) =>
          keccak256(concat((index >> BigInt(level)) & 1n ? [node, sibling, hash] : [node, hash, sibling])),
        keccak256(concat([leaf, pad(toHex(index)), adapterRecordId(run)])),
      );
    const included = async (siblings: Hex[], at = index) => {
      const root = rootOf(siblings);
      const { anchoredAt } = await registry.read.batchOf([run.owner, root]);
      if (anchoredAt === 0) await registry.write.anchorBatch([root, 0xffffffff]);
      return registry.read.verifyInclusion([root, at, recordOf(run), siblings]);
    };
    assert.equal(await included(proof), true);
    assert.equal(await included(proof, index + 1n), false, 'past the count');
    for (const length of [0, 31]) assert.equal(await included(proof.slice(0, length)), false, `${length} levels`);
    for (const length of [33, 255, 256, 257]) {
      const longer = [...proof, ...Array<Hex>(length - 32).fill(zeroHash)];
      assert.equal(await included(longer), false, `${length} levels`);
    }
  });

  test('a count below the number of leaves hides the rest: no index past it, no depth but its own', async () => {
    const { registry, run, now } = await freshRegistry();
    const runs = Array.from({ length: 4 }, (_, i) => runOf(run.owner, now, `leaf ${i}`));
    const { root, proofs } = batchOf(runs.map(adapterRecordId));
    await registry.write.anchorBatch([root, 3]);
    const included = (index: number) =>
      registry.read.verifyInclusion([root, BigInt(index), recordOf(runs[index]), proofs[index]]);
    assert.deepEqual(await Promise.all([0, 1, 2, 3].map(included)), [true, true, true, false]);
    const others = Array.from({ length: 4 }, (_, i) => runOf(run.owner, now, `shallow ${i}`));
    const shallow = batchOf(others.map(adapterRecordId));
    await registry.write.anchorBatch([shallow.root, 2]);
    const asked = [shallow.root, 0n, recordOf(others[0]), shallow.proofs[0]] as const;
    assert.equal(await registry.read.verifyInclusion(asked), false);
  });

  test('a record of a batch that was superseded or revoked is in it no more', async () => {
    for (const revoked of [true, false]) {
      const { registry, run, attester, now } = await freshRegistry();
      const { root, proofs } = batchOf([adapterRecordId(run)]);
      const newer = runOf(run.owner, now, 'newer');
      await registry.write.anchorBatch([root, 1]);
      await registry.write.anchor([recordOf(newer), await attest(attester, newer)]);
      const asked = [root, 0n, recordOf(run), proofs[0]] as const;
      assert.equal(await registry.read.verifyInclusion(asked), true);
      if (revoked) await registry.write.revoke([recordOf(run)]);
      else await registry.write.supersede([recordOf(run), recordOf(newer)]);
      assert.equal(await registry.read.verifyInclusion(asked), false);
    }
  });

  test('padding is no record, whatever count the owner claims', async () => {
    const { registry, run } = await freshRegistry();
    const node = keccak256(toHex('zkLoRA.batch.node.v1'));
    const leaf = keccak256(concat([keccak256(toHex('zkLoRA.batch.leaf.v1')), zeroHash, adapterRecordId(run)]));
    const root = keccak256(concat([node, leaf, zeroHash]));
    await registry.write.anchorBatch([root, 2]);
    assert.equal(await registry.read.verifyInclusion([root, 0n, recordOf(run), [zeroHash]]), true);
    assert.equal(await registry.read.verifyInclusion([root, 1n, recordOf(run), [leaf]]), false);
  });

  test('a record of a batch is not anchored by itself: sets and lists of attesters say no', async () => {
    const { registry, run, attester, owner, now, viem } = await freshRegistry();
    const leaf = keccak256(concat([keccak256(toHex('zkLoRA.batch.leaf.v1')), zeroHash, adapterRecordId(run)]));
    await registry.write.anchorBatch([leaf, 1]);
    assert.equal(await registry.read.verifyInclusion([leaf, 0n, recordOf(run), []]), true);
    const set = await viem.deployContract('AttesterSet', [owner.account.address]);
    await set.write.add([attester.address, Number(now), Number(now) + 1_000]);
    assert.equal(await registry.read.isAttested([adapterRecordId(run), [attester.address], 1n]), false);
    assert.equal(await set.read.isAttested([registry.address, recordOf(run), 1n]), false);
  });
});

describe('ends and dates', () => {
  test('a superseded record is not anchored, not attested, takes no attestation, and its end keeps its date', async () => {
    const { registry, run, attester, attestation, now, networkHelpers, viem } = await freshRegistry();
    const id = adapterRecordId(run);
    const newer = runOf(run.owner, now, 'newer');
    await registry.write.anchor([recordOf(run), attestation]);
    const { anchoredAt } = await registry.read.anchorOf([id]);
    await registry.write.anchor([recordOf(newer), await attest(attester, newer)]);
    await networkHelpers.time.setNextBlockTimestamp(now + 50n);
    await registry.write.supersede([recordOf(run), recordOf(newer)]);
    assert.equal(await registry.read.isAnchored([id]), false);
    assert.equal(await registry.read.isAttestedBy([id, attester.address]), false);
    assert.equal(await registry.read.isAttested([id, [attester.address], 1n]), false);
    const late = registry.write.attest([recordOf(run), await attest(attesterNamed('late'), run)]);
    await viem.assertions.revertWithCustomErrorWithArgs(late, registry, 'NotAnchored', [id, 2]);
    await registry.write.revoke([recordOf(run)]);
    assert.equal(await registry.read.statusOf([id]), 3);
    assert.equal(await registry.read.endedAt([id]), Number(now + 50n));
    assert.deepEqual(await registry.read.attestationOf([id, attester.address]), [Number(now), anchoredAt]);
  });

  test('a consent holds in the second of its deadline, an attestation an hour ahead and no second more', async () => {
    const { registry, run, attestation, attester, owner, now, networkHelpers, viem } = await freshRegistry();
    await networkHelpers.mine();
    const ahead = async (seconds: bigint) => {
      const { timestamp } = await (await viem.getPublicClient()).getBlock();
      const later = { ...run, issuedAt: timestamp + (await registry.read.MAX_CLOCK_SKEW()) + seconds };
      return registry.read.verifyAttestation([recordOf(run), await attest(attester, later)], { blockTag: 'latest' });
    };
    assert.deepEqual([await ahead(0n), await ahead(1_000n)], [true, false]);
    const consent = await consentOf(owner, registry.address, run, attester.address, 0n, now + 500n);
    await networkHelpers.time.setNextBlockTimestamp(now + 500n);
    await registry.write.anchorFor([recordOf(run), attestation, consent]);
    assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
  });

  test('an attestation brought early stays: a key that is trusted later needs to be a fresh one', async () => {
    const { registry, run, attestation, owner, now, stranger, networkHelpers, viem } = await freshRegistry();
    const [old, fresh] = ['old key', 'fresh key'].map(attesterNamed);
    await registry.write.anchor([recordOf(run), attestation]);
    const set = await viem.deployContract('AttesterSet', [owner.account.address]);
    const from = Number(now) + 100;
    for (const { address } of [old, fresh]) await set.write.add([address, from, from + 1_000]);
    await networkHelpers.time.increaseTo(from);
    const later = { ...run, issuedAt: BigInt(from) };
    // Both are the old key's word; a stranger brings the one that the set does not count.
    await registry.write.attest([recordOf(run), await attest(old, run)], { account: stranger.account });
    const second = registry.write.attest([recordOf(run), await attest(old, later)]);
    await viem.assertions.revertWithCustomError(second, registry, 'AlreadyAttested');
    assert.equal(await set.read.isAttested([registry.address, recordOf(run), 1n]), false);
    await registry.write.attest([recordOf(run), await attest(fresh, later)]);
    assert.equal(await set.read.isAttested([registry.address, recordOf(run), 1n]), true);
  });

  test('a stolen key can date back, and still counts no more after its end or withdrawal', async () => {
    const { registry, run, attestation, owner, now, networkHelpers, viem } = await freshRegistry();
    await registry.write.anchor([recordOf(run), attestation]);
    const stolen = attesterNamed('stolen');
    const from = Number(now);
    for (const withdrawn of [true, false]) {
      const set = await viem.deployContract('AttesterSet', [owner.account.address]);
      await set.write.add([stolen.address, from, withdrawn ? from + 100_000 : from + 500]);
      if (withdrawn) await set.write.withdraw([stolen.address, from + 1]);
      else {
        await networkHelpers.time.increaseTo(from + 500);
        await registry.write.attest([recordOf(run), await attest(stolen, { ...run, issuedAt: now + 1n })]);
      }
      assert.equal(await set.read.isAttested([registry.address, recordOf(run), 1n]), false);
    }
  });

  test('a full set of members can be asked within the gas of a call', async () => {
    const { registry, run, attestation, owner, now, client, viem } = await freshRegistry();
    await registry.write.anchor([recordOf(run), attestation]);
    const set = await viem.deployContract('AttesterSet', [owner.account.address]);
    const members = Array.from({ length: 32 }, (_, i) => attesterNamed(`member ${i}`));
    for (const member of members) {
      await set.write.add([member.address, Number(now), Number(now) + 10_000]);
      await registry.write.attest([recordOf(run), await attest(member, run)]);
    }
    const ask = [registry.address, recordOf(run)] as const;
    assert.equal(await set.read.isAttested([...ask, 32n]), true);
    assert.equal(await set.read.isAttested([...ask, 33n]), false);
    assert.equal(await set.read.isAttested([...ask, 1n]), true, 'more than asked for');
    const data = encodeFunctionData({ abi: set.abi, functionName: 'isAttested', args: [...ask, 32n] });
    const gas = await client.estimateGas({ to: set.address, data });
    assert.ok(gas < 500_000n, `${gas} gas`);
  });
});

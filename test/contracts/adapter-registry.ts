import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { bytesToHex, getAddress, parseSignature, zeroAddress, zeroHash, type Hex } from 'viem';

import { adapterRecordId, runAttestationDigest } from '../../protocol/attestation.ts';
import RegistryModule from '../../ignition/modules/AdapterRegistry.ts';
import { interfaceId } from './interface-id.ts';
import { attest, attesterNamed, freshRegistry, recordOf, runOf, signatureOf } from './run-attestations.ts';

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe('anchor', () => {
  test('keeps the attester, the times and the status, and emits the preimage', async () => {
    const { registry, run, attestation, attester, networkHelpers, now, viem } = await freshRegistry();
    const id = adapterRecordId(run);
    await networkHelpers.time.setNextBlockTimestamp(now + 100n);
    const sent = registry.write.anchor([recordOf(run), attestation]);

    await viem.assertions.emitWithArgs(sent, registry, 'AdapterAnchored', [
      id,
      run.adapterRoot,
      run.owner,
      run.runId,
      run.runDigest,
      run.baseRoot,
      run.dataRoot,
      run.steps,
      run.verifier,
      attester.address,
      run.issuedAt,
    ]);
    assert.deepEqual(await registry.read.anchorOf([id]), {
      attester: attester.address,
      issuedAt: Number(now),
      anchoredAt: Number(now + 100n),
      status: 1,
    });
    assert.equal(await registry.read.isAnchored([id]), true);
    assert.equal(await registry.read.isAttestedBy([id, attester.address]), true);
    assert.equal(await registry.read.isAttestedBy([id, run.owner]), false);
  });

  test('returns the id', async () => {
    const { registry, run, attestation } = await freshRegistry();
    const { result } = await registry.simulate.anchor([recordOf(run), attestation]);
    assert.equal(result, adapterRecordId(run));
  });

  test('an unknown id is neither anchored nor attested, not even by the zero address', async () => {
    const { registry, run, attester } = await freshRegistry();
    const id = adapterRecordId(run);
    const nothing = { attester: zeroAddress, issuedAt: 0, anchoredAt: 0, status: 0 };
    assert.deepEqual(await registry.read.anchorOf([id]), nothing);
    assert.equal(await registry.read.isAnchored([id]), false);
    assert.equal(await registry.read.isAttestedBy([id, attester.address]), false);
    assert.equal(await registry.read.isAttestedBy([id, zeroAddress]), false);
  });

  test('two owners may anchor one adapter root, under two ids', async () => {
    const { registry, run, attestation, attester, stranger } = await freshRegistry();
    const other = { ...runOf(stranger.account.address, run.issuedAt, 'other'), adapterRoot: run.adapterRoot };
    await registry.write.anchor([recordOf(run), attestation]);
    await registry.write.anchor([recordOf(other), await attest(attester, other)], { account: stranger.account });
    const found = await registry.getEvents.AdapterAnchored({ adapterRoot: run.adapterRoot }, { fromBlock: 0n });
    const ids = found.map((event) => event.args.id);
    assert.deepEqual(ids, [adapterRecordId(run), adapterRecordId(other)]);
  });
});

describe('anchor refuses', () => {
  test('a sender other than the owner', async () => {
    const { registry, run, attestation, stranger, viem } = await freshRegistry();
    await viem.assertions.revertWithCustomErrorWithArgs(
      registry.write.anchor([recordOf(run), attestation], { account: stranger.account }),
      registry,
      'NotRecordOwner',
      [getAddress(stranger.account.address), run.owner],
    );
  });

  test('a record anchored before, by the same or another attester', async () => {
    const { registry, run, attestation, viem } = await freshRegistry();
    const id = adapterRecordId(run);
    await registry.write.anchor([recordOf(run), attestation]);
    for (const again of [attestation, await attest(attesterNamed('second'), run)]) {
      const sent = registry.write.anchor([recordOf(run), again]);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'AlreadyAnchored', [id]);
    }
  });

  test('a record or time other than the attested one, field by field', async () => {
    const { registry, run, attestation, viem } = await freshRegistry();
    const other = { ...runOf(run.owner, run.issuedAt - 1n, 'other'), steps: 31n };
    const names = Object.keys(run) as (keyof typeof run)[];
    for (const name of names.filter((field) => field !== 'owner')) {
      const changed = { ...run, [name]: other[name] };
      const argument = { ...attestation, issuedAt: changed.issuedAt };
      const sent = registry.write.anchor([recordOf(changed), argument]);
      await viem.assertions.revertWithCustomError(sent, registry, 'AttesterMismatch');
    }
    await registry.write.anchor([recordOf(run), attestation]);
  });

  test("another owner's record under one's own name", async () => {
    const { registry, run, attestation, stranger, viem } = await freshRegistry();
    const stolen = { ...recordOf(run), owner: stranger.account.address };
    const sent = registry.write.anchor([stolen, attestation], { account: stranger.account });
    await viem.assertions.revertWithCustomError(sent, registry, 'AttesterMismatch');
  });

  test('an attester who did not sign', async () => {
    const { registry, run, attestation, attester, viem } = await freshRegistry();
    const claimed = attesterNamed('second').address;
    const sent = registry.write.anchor([recordOf(run), { ...attestation, attester: claimed }]);
    const expected: [Hex, Hex] = [claimed, attester.address];
    await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'AttesterMismatch', expected);
  });

  test('malleable, zero, short and long signatures and a wrong v', async () => {
    const { registry, run, attestation, viem } = await freshRegistry();
    const { r, s, v } = parseSignature(attestation.signature);
    const parity = Number(v);
    const bad: Hex[] = [
      signatureOf(BigInt(r), CURVE_ORDER - BigInt(s), 55 - parity),
      signatureOf(BigInt(r), BigInt(s), parity - 27),
      signatureOf(BigInt(r), BigInt(s), 29),
      signatureOf(0n, 0n, 27),
      signatureOf(0n, 0n, 0),
      `${attestation.signature}00`,
      attestation.signature.slice(0, -2) as Hex,
      '0x',
    ];
    for (const signature of bad) {
      for (const attester of [attestation.attester, zeroAddress]) {
        const sent = registry.write.anchor([recordOf(run), { ...attestation, attester, signature }]);
        await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'InvalidSignature', []);
      }
    }
    assert.equal(signatureOf(BigInt(r), BigInt(s), parity), attestation.signature);
    await registry.write.anchor([recordOf(run), attestation]);
  });

  test('a time of issue further ahead than clocks differ', async () => {
    const { registry, run, attester, networkHelpers, now, viem } = await freshRegistry();
    const skew = await registry.read.MAX_CLOCK_SKEW();
    const issued = async (issuedAt: bigint, blockTime: bigint) => {
      const argument = await attest(attester, { ...run, issuedAt });
      await networkHelpers.time.setNextBlockTimestamp(blockTime);
      return registry.write.anchor([recordOf(run), argument], { gas: 200_000n });
    };
    const refused: [bigint, bigint][] = [
      [now + 10n + skew + 1n, now + 10n],
      [(1n << 64n) - 1n, now + 20n],
    ];
    for (const [issuedAt, blockTime] of refused) {
      const sent = issued(issuedAt, blockTime);
      const expected: [bigint, bigint] = [issuedAt, blockTime];
      await viem.assertions.revertWithCustomErrorWithArgs(sent, registry, 'AttestationFromFuture', expected);
    }
    await issued(now + 30n + skew, now + 30n);
    assert.equal((await registry.read.anchorOf([adapterRecordId(run)])).issuedAt, Number(now + 30n + skew));
  });
});

describe('agreement with protocol/attestation.ts', () => {
  test('record ids and attestation digests', async () => {
    const { registry, run } = await freshRegistry();
    const extreme = { ...run, steps: (1n << 64n) - 1n, issuedAt: (1n << 64n) - 1n, runId: zeroHash };
    for (const message of [run, runOf(run.owner, 0n, 'other'), extreme]) {
      assert.equal(await registry.read.idOf([recordOf(message)]), adapterRecordId(message));
      assert.equal(
        await registry.read.attestationDigest([recordOf(message), message.issuedAt]),
        bytesToHex(runAttestationDigest(message)),
      );
    }
  });
});

describe('standards', () => {
  test('ERC-5267: a domain with this chain and this contract, which is that of consents', async () => {
    const { registry } = await freshRegistry();
    const expected = ['0x0f', 'zkLoRA', '1', 31337n, getAddress(registry.address), zeroHash, []];
    assert.deepEqual(await registry.read.eip712Domain(), expected);
  });

  test('ERC-165: itself, ERC-5267 and IAdapterRegistry', async () => {
    const { registry } = await freshRegistry();
    const answers: [Hex, boolean][] = [
      ['0x01ffc9a7', true],
      ['0x84b0196e', true],
      [await interfaceId('IAdapterRegistry'), true],
      ['0xffffffff', false],
    ];
    for (const [id, supported] of answers) {
      assert.equal(await registry.read.supportsInterface([id]), supported, id);
    }
  });

  test('Ignition deploys it, by create2 to one address whoever deploys', async () => {
    const addresses = [];
    for (const index of [0, 1]) {
      const { ignition, run, attestation, owner, stranger } = await freshRegistry();
      const defaultSender = [owner, stranger][index].account.address;
      const { registry } = await ignition.deploy(RegistryModule, { strategy: 'create2', defaultSender });
      await registry.write.anchor([recordOf(run), attestation]);
      assert.equal(await registry.read.isAnchored([adapterRecordId(run)]), true);
      addresses.push(registry.address);
    }
    assert.equal(addresses[0], addresses[1]);
  });
});

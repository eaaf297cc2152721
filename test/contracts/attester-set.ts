import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { getAddress, toHex, zeroAddress, type Hex } from 'viem';

import AttesterSetModule from '../../ignition/modules/AttesterSet.ts';
import { interfaceId } from './interface-id.ts';
import { attest, attesterNamed, freshRegistry, recordOf } from './run-attestations.ts';

/** A registry with the run anchored by one attester, and a set whose curator is the run's owner. */
async function freshSet() {
  const fresh = await freshRegistry();
  const { viem, owner, registry, run, attestation, now, networkHelpers } = fresh;
  const set = await viem.deployContract('AttesterSet', [owner.account.address]);
  await networkHelpers.time.setNextBlockTimestamp(now + 100n);
  await registry.write.anchor([recordOf(run), attestation]);
  const asked = (threshold = 1n) => set.read.isAttested([registry.address, recordOf(run), threshold]);
  const from = Number(now);
  return { ...fresh, set, asked, from, until: from + 10_000 };
}

describe('AttesterSet', () => {
  test('counts members’ attestations, within their windows', async () => {
    const { set, asked, from, until, attester, registry, run, viem } = await freshSet();
    const [late, ended, never] = ['late', 'ended', 'never'].map(attesterNamed);
    assert.equal(await asked(), false);
    const added = set.write.add([attester.address, from, until]);
    await viem.assertions.emitWithArgs(added, set, 'AttesterAdded', [attester.address, from, until]);
    assert.equal(await asked(), true);
    assert.equal(await asked(2n), false);
    await set.write.add([late.address, from + 1, until]);
    await set.write.add([ended.address, from - 10, from + 50]);
    await set.write.add([never.address, from, until]);
    for (const by of [late, ended]) await registry.write.attest([recordOf(run), await attest(by, run)]);
    assert.equal(await asked(2n), false);
    await registry.write.attest([recordOf(run), await attest(never, run)]);
    assert.equal(await asked(2n), true);
    assert.equal(await asked(3n), false);
    assert.deepEqual(
      await set.read.members(),
      [attester, late, ended, never].map(({ address }) => address),
    );
    await viem.assertions.revertWithCustomError(asked(0n), set, 'ZeroThreshold');
    await registry.write.revoke([recordOf(run)]);
    assert.equal(await asked(), false);
  });

  test('withdraws an attester as of a date, which moves back alone', async () => {
    const { set, asked, from, until, attester, viem, networkHelpers } = await freshSet();
    const { address } = attester;
    const withdraw = (since: number) => set.write.withdraw([address, since]);
    await viem.assertions.revertWithCustomErrorWithArgs(withdraw(from), set, 'NotMember', [address]);
    await set.write.add([address, from, until]);
    for (const since of [0, from + 9_999]) {
      await viem.assertions.revertWithCustomErrorWithArgs(withdraw(since), set, 'InvalidWithdrawal', [address, since]);
    }
    await networkHelpers.time.setNextBlockTimestamp(from + 200);
    await viem.assertions.emitWithArgs(withdraw(from + 101), set, 'AttesterWithdrawn', [address, from + 101]);
    assert.equal(await asked(), true, 'on chain before');
    const again = withdraw(from + 101);
    await viem.assertions.revertWithCustomErrorWithArgs(again, set, 'InvalidWithdrawal', [address, from + 101]);
    await networkHelpers.time.setNextBlockTimestamp(from + 300);
    await withdraw(from + 100);
    assert.equal(await asked(), false, 'on chain since');
    const expected = { validFrom: from, validUntil: until, withdrawnSince: from + 100, withdrawnAt: from + 300 };
    assert.deepEqual(await set.read.memberOf([address]), expected);
    const readded = set.write.add([address, from, until]);
    await viem.assertions.revertWithCustomErrorWithArgs(readded, set, 'AlreadyMember', [address]);
  });

  test('counts what came on chain in the last second before an end, and nothing in the second of the end', async () => {
    const { set, asked, from, attester, registry, run, networkHelpers } = await freshSet();
    // The run's own attestation is on chain since from + 100.
    await set.write.add([attester.address, from, from + 100]);
    assert.equal(await asked(), false);
    const [second, third] = ['second', 'third'].map(attesterNamed);
    for (const { address } of [second, third]) await set.write.add([address, from, from + 10_000]);
    await networkHelpers.time.setNextBlockTimestamp(from + 300);
    await registry.write.attest([recordOf(run), await attest(second, run)]);
    assert.equal(await asked(), true);
    await networkHelpers.time.setNextBlockTimestamp(from + 400);
    await set.write.withdraw([second.address, from + 400]);
    assert.equal(await asked(), true, 'on chain before the present second');
    await set.write.withdraw([second.address, from + 301]);
    assert.equal(await asked(), true, 'on chain in the second before');
    await set.write.withdraw([second.address, from + 300]);
    assert.equal(await asked(), false, 'on chain in the very second');
  });

  test('withdraws a verifier version, for all to see', async () => {
    const { set, asked, from, until, attester, run, viem, networkHelpers } = await freshSet();
    await set.write.add([attester.address, from, until]);
    await networkHelpers.time.setNextBlockTimestamp(from + 200);
    const sent = set.write.withdrawVerifier([run.verifier]);
    await viem.assertions.emitWithArgs(sent, set, 'VerifierWithdrawn', [run.verifier]);
    assert.equal(await set.read.verifierWithdrawnAt([run.verifier]), from + 200);
    assert.equal(await asked(), false);
    const again = set.write.withdrawVerifier([run.verifier]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, set, 'AlreadyWithdrawn', [run.verifier]);
  });

  test('a frozen set takes no member and still withdraws', async () => {
    const { set, from, until, attester, viem } = await freshSet();
    await set.write.add([attester.address, from, until]);
    await viem.assertions.emit(set.write.freeze(), set, 'SetFrozen');
    assert.equal(await set.read.frozen(), true);
    const added = set.write.add([attesterNamed('second').address, from, until]);
    await viem.assertions.revertWithCustomError(added, set, 'Frozen');
    await viem.assertions.revertWithCustomError(set.write.freeze(), set, 'Frozen');
    await set.write.withdraw([attester.address, from]);
    assert.equal((await set.read.memberOf([attester.address])).withdrawnSince, from);
  });

  test('refuses strangers, empty windows, the zero address and too many', async () => {
    const { set, from, until, attester, stranger, owner, run, viem } = await freshSet();
    const account = stranger.account;
    const names: [Hex, Hex] = [getAddress(account.address), getAddress(owner.account.address)];
    for (const sent of [
      () => set.write.add([attester.address, from, until], { account }),
      () => set.write.withdraw([attester.address, from], { account }),
      () => set.write.withdrawVerifier([run.verifier], { account }),
      () => set.write.freeze({ account }),
    ]) {
      await viem.assertions.revertWithCustomErrorWithArgs(sent(), set, 'NotCurator', names);
    }
    await viem.assertions.revertWithCustomError(set.write.add([zeroAddress, from, until]), set, 'ZeroAttester');
    for (const [first, last] of [
      [0, until],
      [from, from],
    ]) {
      const sent = set.write.add([attester.address, first, last]);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, set, 'InvalidWindow', [first, last]);
    }
    const most = Number(await set.read.MAX_MEMBERS());
    for (let i = 1; i <= most; i++) await set.write.add([toHex(i, { size: 20 }), from, until]);
    const full = set.write.add([attester.address, from, until]);
    await viem.assertions.revertWithCustomErrorWithArgs(full, set, 'SetFull', [BigInt(most)]);
    const orphan = viem.deployContract('AttesterSet', [zeroAddress]);
    await viem.assertions.revertWithCustomError(orphan, set, 'ZeroCurator');
  });

  test('Ignition deploys it, by default for who deploys', async () => {
    const { ignition, owner, stranger } = await freshSet();
    const { set } = await ignition.deploy(AttesterSetModule);
    assert.equal(await set.read.curator(), getAddress(owner.account.address));
    const parameters = { AttesterSet: { curator: stranger.account.address } };
    const other = await ignition.deploy(AttesterSetModule, { parameters, deploymentId: 'other' });
    assert.equal(await other.set.read.curator(), getAddress(stranger.account.address));
  });

  test('has a curator, and ERC-165', async () => {
    const { set, owner } = await freshSet();
    assert.equal(await set.read.curator(), getAddress(owner.account.address));
    const answers: [Hex, boolean][] = [
      ['0x01ffc9a7', true],
      [await interfaceId('IAttesterSet'), true],
      ['0xffffffff', false],
    ];
    for (const [asked, supported] of answers) assert.equal(await set.read.supportsInterface([asked]), supported, asked);
  });
});

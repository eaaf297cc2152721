import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { getAddress, zeroHash, type Hex } from 'viem';

import { adapterRecordId } from '../../protocol/attestation.ts';
import { attest, attesterNamed, freshRegistry, recordOf } from './run-attestations.ts';

const PRICE = 10n ** 18n;

/** A registry with a run attested by two members of a set of three; its owner is the seller, or the agent's supplier. */
async function freshMarket() {
  const fresh = await freshRegistry();
  const { viem, owner, registry, run, attestation, attester, now } = fresh;
  const set = await viem.deployContract('AttesterSet', [owner.account.address]);
  const others = ['second', 'third'].map(attesterNamed);
  for (const { address } of [attester, ...others]) await set.write.add([address, Number(now), Number(now) + 100_000]);
  const anchor = async () => {
    await registry.write.anchor([recordOf(run), attestation]);
    await registry.write.attest([recordOf(run), await attest(others[0], run)]);
  };
  const options = [registry.address, set.address, 2n] as const;
  return { ...fresh, set, options, anchor, id: adapterRecordId(run) };
}

describe('AdapterEscrow', () => {
  /** An order of the run's adapter by a buyer, with an inspector. */
  async function freshOrder() {
    const market = await freshMarket();
    const { viem, options, run, now } = market;
    const escrow = await viem.deployContract('AdapterEscrow', [...options]);
    const [, buyer, inspector] = await viem.getWalletClients();
    const deadline = Number(now) + 1_000;
    const order = () =>
      escrow.write.order([run.owner, inspector.account.address, run.adapterRoot, deadline], {
        account: buyer.account,
        value: PRICE,
      });
    const sent = order();
    const buyerAddress = getAddress(buyer.account.address);
    await viem.assertions.emitWithArgs(sent, escrow, 'Ordered', [0n, buyerAddress, run.owner, run.adapterRoot]);
    const report = (delivered: Hex, record = recordOf(run)) =>
      escrow.write.report([0n, delivered, record], { account: inspector.account });
    return { ...market, escrow, buyer, buyerAddress, deadline, order, report };
  }

  test('pays for an adapter that is anchored and attested by enough', async () => {
    const { escrow, run, id, anchor, report, client, owner, viem } = await freshOrder();
    await viem.assertions.revertWithCustomErrorWithArgs(report(run.adapterRoot), escrow, 'NotTrusted', [id]);
    await anchor();
    await viem.assertions.emitWithArgs(report(run.adapterRoot), escrow, 'Paid', [0n, id]);
    assert.equal(await escrow.read.credit([run.owner]), PRICE);
    assert.equal((await escrow.read.orderOf([0n])).open, false);
    await escrow.write.withdraw({ account: owner.account });
    assert.equal(await client.getBalance({ address: escrow.address }), 0n);
    assert.equal(await escrow.read.credit([run.owner]), 0n);
    await viem.assertions.revertWithCustomErrorWithArgs(report(run.adapterRoot), escrow, 'NotOpen', [0n]);
  });

  test('refunds when the delivered file’s commitment differs', async () => {
    const { escrow, anchor, report, buyerAddress, viem } = await freshOrder();
    await anchor();
    await viem.assertions.emitWithArgs(report(zeroHash), escrow, 'Refunded', [0n]);
    assert.equal(await escrow.read.credit([buyerAddress]), PRICE);
  });

  test('pays for no revoked adapter, refunds after the deadline and not before', async () => {
    const { escrow, run, id, registry, anchor, report, order, deadline, buyerAddress, networkHelpers, viem } =
      await freshOrder();
    await anchor();
    await registry.write.revoke([recordOf(run)]);
    await viem.assertions.revertWithCustomErrorWithArgs(report(run.adapterRoot), escrow, 'NotTrusted', [id]);
    const early = escrow.write.refund([0n]);
    await viem.assertions.revertWithCustomErrorWithArgs(early, escrow, 'BeforeDeadline', [deadline]);
    await networkHelpers.time.increaseTo(deadline + 1);
    for (const late of [report(run.adapterRoot), order()]) {
      await viem.assertions.revertWithCustomErrorWithArgs(late, escrow, 'PastDeadline', [deadline]);
    }
    await viem.assertions.emitWithArgs(escrow.write.refund([0n]), escrow, 'Refunded', [0n]);
    assert.equal(await escrow.read.credit([buyerAddress]), PRICE);
  });

  test('in the last second of the deadline it pays still, refunds not yet and takes no order', async () => {
    const paid = await freshOrder();
    await paid.anchor();
    await paid.networkHelpers.time.setNextBlockTimestamp(paid.deadline);
    const report = paid.report(paid.run.adapterRoot);
    await paid.viem.assertions.emitWithArgs(report, paid.escrow, 'Paid', [0n, paid.id]);

    const { escrow, order, deadline, networkHelpers, viem } = await freshOrder();
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await viem.assertions.revertWithCustomErrorWithArgs(order(), escrow, 'PastDeadline', [deadline]);
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    const refund = escrow.write.refund([0n]);
    await viem.assertions.revertWithCustomErrorWithArgs(refund, escrow, 'BeforeDeadline', [deadline]);
  });

  test('numbers orders in their turn, refunds each once and pays none that is refunded', async () => {
    const { escrow, run, anchor, report, order, deadline, buyerAddress, networkHelpers, viem } = await freshOrder();
    await anchor();
    await viem.assertions.emitWithArgs(order(), escrow, 'Ordered', [1n, buyerAddress, run.owner, run.adapterRoot]);
    await viem.assertions.emitWithArgs(report(zeroHash), escrow, 'Refunded', [0n]);
    const paid = report(run.adapterRoot);
    await viem.assertions.revertWithCustomErrorWithArgs(paid, escrow, 'NotOpen', [0n]);
    await networkHelpers.time.increaseTo(deadline + 1);
    const again = escrow.write.refund([0n]);
    await viem.assertions.revertWithCustomErrorWithArgs(again, escrow, 'NotOpen', [0n]);
    assert.equal(await escrow.read.credit([buyerAddress]), PRICE);
    await viem.assertions.emitWithArgs(escrow.write.refund([1n]), escrow, 'Refunded', [1n]);
    assert.equal(await escrow.read.credit([buyerAddress]), 2n * PRICE);
  });

  test('refuses reports of others, other records and accounts that take no ether', async () => {
    const { escrow, run, anchor, report, buyer, buyerAddress, registry, networkHelpers, viem } = await freshOrder();
    await anchor();
    const own = escrow.write.report([0n, zeroHash, recordOf(run)], { account: buyer.account });
    await viem.assertions.revertWithCustomErrorWithArgs(own, escrow, 'NotInspector', [buyerAddress]);
    for (const change of [{ owner: buyerAddress }, { adapterRoot: zeroHash }]) {
      const record = { ...recordOf(run), ...change };
      const expected: [Hex, Hex] = [record.adapterRoot, record.owner];
      const sent = report(run.adapterRoot, record);
      await viem.assertions.revertWithCustomErrorWithArgs(sent, escrow, 'NotOrdered', expected);
    }
    await networkHelpers.impersonateAccount(registry.address);
    await networkHelpers.setBalance(registry.address, PRICE);
    const sent = escrow.write.withdraw({ account: registry.address });
    await viem.assertions.revertWithCustomErrorWithArgs(sent, escrow, 'WithdrawalFailed', [
      getAddress(registry.address),
    ]);
  });
});

describe('AdapterGate', () => {
  test('lets agents load and run adapters as long as they are trusted', async () => {
    const { viem, options, run, id, anchor, registry, stranger } = await freshMarket();
    const gate = await viem.deployContract('AdapterGate', [...options]);
    const agent = getAddress(stranger.account.address);
    const load = () => gate.write.load([recordOf(run)], { account: stranger.account });
    const mayRun = () => gate.read.mayRun([agent, recordOf(run)]);
    await viem.assertions.revertWithCustomErrorWithArgs(load(), gate, 'NotTrusted', [id]);
    await anchor();
    assert.equal(await mayRun(), false);
    await viem.assertions.emitWithArgs(load(), gate, 'AdapterLoaded', [agent, id]);
    assert.equal(await gate.read.loaded([agent]), id);
    assert.equal(await mayRun(), true);
    assert.equal(await gate.read.mayRun([run.owner, recordOf(run)]), false);
    await registry.write.revoke([recordOf(run)]);
    assert.equal(await mayRun(), false);
  });
});

/** One owner consents, another pays. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashTypedData, type Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { consentTypedData, readConsent } from '../../prover/chain/consent.ts';
import { recordOf } from '../../prover/chain/records.ts';
import { openRegistry, readStatus, type Registry } from '../../prover/chain/registry.ts';
import { commandsAt } from './cli.ts';
import { accountNamed, keyNamed, localRegistry, type LocalRegistry } from './fixtures.ts';

let local: LocalRegistry;
let found: Registry;
let at: ReturnType<typeof commandsAt>;
const owner = keyNamed('consenting owner');
const relayer = keyNamed('relayer');

beforeAll(async () => {
  local = await localRegistry();
  at = commandsAt(local);
  found = await openRegistry(local);
  await local.fund(accountNamed('relayer').address);
});

afterAll(() => local.stop());

async function consented(...more: string[]) {
  const run = await local.run('consenting owner');
  const consent = join(run.folder, 'consent.json');
  const args = ['anchor', run.folder, '--attestation', run.file, '--consent', consent];
  await at.json(owner, ...args, ...more);
  return { run, consent, args };
}

describe('a consent', () => {
  test('is signed without ether, sent by another, once', async () => {
    const { run, consent } = await consented();
    expect(await local.node.getBalance({ address: accountNamed('consenting owner').address })).toBe(0n);
    const receipt = await at.json(relayer, 'anchor', '--for', consent);
    expect(receipt).toMatchObject({ action: 'anchorFor', id: run.id, sender: accountNamed('relayer').address });
    expect((await readStatus(found, run.id)).status).toBe('anchored');
    const again = await at.run(relayer, 'anchor', '--for', consent);
    expect(again.stderr).toMatch(/AlreadyAnchored|InvalidAccountNonce/);
    expect(again.code).toBe(1);
  });

  test('has the digest that the contract computes', async () => {
    const { consent } = await consented();
    const { signed, nonce, deadline, ...where } = await readConsent(consent);
    const ours = hashTypedData(consentTypedData({ ...where, signed, nonce, deadline }));
    const { attestation, attester } = signed;
    expect(await found.contract.read.consentDigest([recordOf(attestation), attester, nonce, deadline])).toBe(ours);
  });

  test('is signed by a wallet over the message in a file, as wallets take it', async () => {
    const run = await local.run('consenting owner');
    const [consent, typed] = [join(run.folder, 'consent.json'), join(run.folder, 'typed.json')];
    const args = ['anchor', run.folder, '--attestation', run.file, '--consent', consent, '--unsigned', typed];
    const { stdout } = await at.run(null, ...args);
    expect(stdout).toContain('nothing is sent');
    const message = JSON.parse(await readFile(typed, 'utf8')) as Parameters<typeof hashTypedData>[0];
    const account = accountNamed('consenting owner');
    const other = await accountNamed('relayer').signTypedData(message);
    const wrong = await at.run(null, ...args, '--signed', other);
    expect(wrong.stderr).toContain('InvalidConsent');
    await at.json(null, ...args, '--signed', await account.signTypedData(message));
    expect(await at.json(relayer, 'anchor', '--for', consent)).toMatchObject({ id: run.id });

    const changed = (await readFile(typed, 'utf8')).replace(run.signed.attester, account.address);
    await writeFile(typed, changed);
    expect((await at.run(null, ...args, '--signed', other)).stderr).toContain('it is the consent to something else');
  });

  test('of a contract is what the contract says (ERC-1271)', async () => {
    // Answers 0x1626ba7e to every call.
    const wallet: Hex = '0x00000000000000000000000000000000000a11e7';
    const code: Hex = '0x7f1626ba7e0000000000000000000000000000000000000000000000000000000060005260206000f3';
    await local.node.setCode({ address: wallet, bytecode: code });
    const run = await local.run(wallet);
    const [consent, typed] = [join(run.folder, 'consent.json'), join(run.folder, 'typed.json')];
    const args = ['anchor', run.folder, '--attestation', run.file, '--consent', consent, '--unsigned', typed];
    await at.run(null, ...args);
    await at.json(null, ...args, '--signed', '0x1234');
    expect(await at.json(relayer, 'anchor', '--for', consent)).toMatchObject({ id: run.id });
  });

  test('of another than the owner is refused before it is written', async () => {
    const run = await local.run('consenting owner');
    const args = ['anchor', run.folder, '--attestation', run.file, '--consent', join(run.folder, 'consent.json')];
    const { stderr, code } = await at.run(relayer, ...args);
    expect(stderr).toContain('InvalidConsent');
    expect(code).toBe(1);
    await expect(readFile(join(run.folder, 'consent.json'))).rejects.toThrow('ENOENT');
  });

  test('that expired, was cancelled, or was changed, is refused with the reason', async () => {
    const expired = await consented('--hours', '1');
    const cancelled = await consented();
    const changed = await consented();
    const text = await readFile(changed.consent, 'utf8');
    await writeFile(
      changed.consent,
      text.replace(/"deadline": "(\d+)"/, (_, d: string) => `"deadline": "${d}0"`),
    );
    expect((await at.run(relayer, 'anchor', '--for', changed.consent)).stderr).toContain('InvalidConsent');
    const forged = text.replace(/("signature": "0x\w+)\w\w"/, '$1ff"');
    await writeFile(changed.consent, forged);
    expect((await at.run(relayer, 'anchor', '--for', changed.consent)).stderr).toMatch(/InvalidConsent|signature/);

    await local.fund(accountNamed('consenting owner').address);
    expect(await at.json(owner, 'revoke', cancelled.run.folder, '--consents')).toMatchObject({
      action: 'cancelConsents',
    });
    const late = await at.run(relayer, 'anchor', '--for', cancelled.consent);
    expect(late.stderr).toContain('InvalidAccountNonce');
    expect(late.stderr).toContain('the owner has to sign a new one');

    await local.node.increaseTime({ seconds: 7200 });
    await local.node.mine({ blocks: 1 });
    expect((await at.run(relayer, 'anchor', '--for', expired.consent)).stderr).toContain('ConsentExpired');
  });

  test('for another registry is not sent to this one', async () => {
    const { consent } = await consented();
    const text = await readFile(consent, 'utf8');
    await writeFile(
      consent,
      text
        .replace(found.registry.toLowerCase(), accountNamed('relayer').address)
        .replace(found.registry, accountNamed('relayer').address),
    );
    const { stderr } = await at.run(relayer, 'anchor', '--for', consent);
    expect(stderr).toContain(`is for registry ${accountNamed('relayer').address}`);
    await writeFile(consent, text.replace('"chainId": 31337', '"chainId": 1'));
    expect((await at.run(relayer, 'anchor', '--for', consent)).stderr).toContain('serves chain 31337, not chain 1');
    await writeFile(consent, '{}');
    expect((await at.run(relayer, 'anchor', '--for', consent)).stderr).toContain('it is no consent');
  });

  test('two that are sent against each other: the late one reverts on chain, and that is told', async () => {
    const { run, consent, args } = await consented();
    await local.fund(accountNamed('consenting owner').address);
    const plain = args.slice(0, 4);
    await local.node.setAutomine(false);
    const pending = at.begin(owner, ...plain);
    await pending.says(/sent 0x/);
    pending.child.kill('SIGKILL');
    await pending.ended;
    const [kept] = await run.journals();
    const { hash } = (JSON.parse(await readFile(kept, 'utf8')) as { attempts: { hash: Hex }[] }).attempts[0];
    await local.node.dropTransaction({ hash });
    await local.node.setAutomine(true);
    await at.json(relayer, 'anchor', '--for', consent);
    // The kept transaction is sent once more, and the registry has the record already.
    const { stderr } = await at.run(null, ...plain);
    expect(stderr).toContain(`AlreadyAnchored(${run.id}) in transaction ${hash}`);
    expect((await at.run(null, ...plain)).stderr).toContain('was mined and reverted');
    expect((await at.run(owner, ...plain, '--again')).stderr).toContain('AlreadyAnchored');
  });
});

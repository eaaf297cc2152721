import { network } from 'hardhat';
import { concat, getAddress, keccak256, pad, toHex, type Hex } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

import { ATTESTATION_DOMAIN, ATTESTATION_TYPES, type RunAttestation } from '../../protocol/attestation.ts';

/** The contract's form of an attestation. */
export interface AttestationArgument {
  attester: Hex;
  issuedAt: bigint;
  signature: Hex;
}

/** An account whose key is the hash of a name: the same in every test run. */
export function attesterNamed(name: string): PrivateKeyAccount {
  return privateKeyToAccount(keccak256(toHex(name)));
}

/** A run of `owner` whose other fields are hashes of `seed`. */
export function runOf(owner: Hex, issuedAt: bigint, seed = 'run'): RunAttestation {
  const field = (name: string) => keccak256(toHex(`${seed}/${name}`));
  return {
    runId: field('runId'),
    runDigest: field('runDigest'),
    adapterRoot: field('adapterRoot'),
    baseRoot: field('baseRoot'),
    dataRoot: field('dataRoot'),
    owner: getAddress(owner),
    steps: 30n,
    verifier: field('verifier'),
    issuedAt,
  };
}

/** The record without its time of issue, as the contract takes it. */
export function recordOf(run: RunAttestation): Omit<RunAttestation, 'issuedAt'> {
  const { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier } = run;
  return { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier };
}

/** The attestation of `run` by `attester`. */
export async function attest(attester: PrivateKeyAccount, run: RunAttestation): Promise<AttestationArgument> {
  const signature = await attester.signTypedData({
    domain: ATTESTATION_DOMAIN,
    types: ATTESTATION_TYPES,
    primaryType: 'RunAttestation',
    message: run,
  });
  return { attester: attester.address, issuedAt: run.issuedAt, signature };
}

/** A fresh chain with a registry, its owner's run and one attestation of it. */
export async function freshRegistry() {
  const { viem, networkHelpers, ignition } = await network.create();
  const registry = await viem.deployContract('AdapterRegistry');
  const [owner, stranger] = await viem.getWalletClients();
  const client = await viem.getPublicClient();
  const now = (await client.getBlock()).timestamp;
  const run = runOf(owner.account.address, now);
  const attester = attesterNamed('attester');
  const attestation = await attest(attester, run);
  return { viem, networkHelpers, ignition, registry, owner, stranger, client, now, run, attester, attestation };
}

/** A signature from its parts: r, s as integers and v. */
export function signatureOf(r: bigint, s: bigint, v: number): Hex {
  return concat([pad(toHex(r)), pad(toHex(s)), toHex(v)]);
}

/** What signs an owner's consent: an account with its key or a wallet of the node. */
interface Owner {
  readonly account: { readonly address: Hex };
  signTypedData(message: Parameters<PrivateKeyAccount['signTypedData']>[0]): Promise<Hex>;
}

/** The consent of `run`'s owner to be anchored with the attester's attestation, as the contract takes it. */
export async function consentOf(
  owner: Owner,
  registry: Hex,
  run: RunAttestation,
  attester: Hex,
  nonce: bigint,
  deadline: bigint,
): Promise<{ nonce: bigint; deadline: bigint; signature: Hex }> {
  const fields = ATTESTATION_TYPES.RunAttestation.filter(({ name }) => name !== 'issuedAt');
  const signature = await owner.signTypedData({
    domain: { ...ATTESTATION_DOMAIN, chainId: 31337, verifyingContract: registry },
    types: {
      AnchorConsent: [
        { name: 'record', type: 'AdapterRecord' },
        { name: 'attester', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
      AdapterRecord: fields,
    },
    primaryType: 'AnchorConsent',
    message: { record: recordOf(run), attester, nonce, deadline },
  });
  return { nonce, deadline, signature };
}

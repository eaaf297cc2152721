/** An owner's consent to have a record anchored by whoever pays: EIP-712, bound to chain, registry, nonce and deadline. */
import { readFile } from 'node:fs/promises';
import { createWalletClient, http, type Address, type Hex, type TypedDataDomain } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { z } from 'zod';

import { ATTESTATION_DOMAIN, type RunAttestation, type Signed } from '../../protocol/attestation.ts';
import { signedToJson } from '../../protocol/attestation-json.ts';
import { signedRunOf } from './attestation-source.ts';
import { anchorForCall, type RegistryCall } from './calls.ts';
import { atNode, type Sender } from './connection.ts';
import { replaceFile } from './whole-file.ts';
import { addressSchema, decimalSchema, hexSchema, recordOf } from './records.ts';
import type { Registry } from './registry.ts';
import { ChainFileError } from './transaction-errors.ts';

const FORMAT = 'zklora/consent/v1';

/** EIP-712 types of `AnchorConsent` in `contracts/IAdapterRegistry.sol`. */
export const CONSENT_TYPES = {
  AnchorConsent: [
    { name: 'record', type: 'AdapterRecord' },
    { name: 'attester', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
  AdapterRecord: [
    { name: 'runId', type: 'bytes32' },
    { name: 'runDigest', type: 'bytes32' },
    { name: 'adapterRoot', type: 'bytes32' },
    { name: 'baseRoot', type: 'bytes32' },
    { name: 'dataRoot', type: 'bytes32' },
    { name: 'owner', type: 'address' },
    { name: 'steps', type: 'uint64' },
    { name: 'verifier', type: 'bytes32' },
  ],
} as const;

/** What an owner consents to, once. */
export interface ConsentTerms {
  readonly chainId: number;
  readonly registry: Address;
  readonly signed: Signed<RunAttestation>;
  /** The owner's next in the registry. */
  readonly nonce: bigint;
  /** Last block time at which it holds, in seconds since 1970. */
  readonly deadline: bigint;
}

/** Terms and the owner's signature: 65 bytes, or what the owner's contract accepts (ERC-1271). */
export interface Consent extends ConsentTerms {
  readonly signature: Hex;
}

/** The message that the owner signs. */
export function consentTypedData({ chainId, registry, signed, nonce, deadline }: ConsentTerms) {
  const domain: TypedDataDomain = { ...ATTESTATION_DOMAIN, chainId, verifyingContract: registry };
  const message = { record: recordOf(signed.attestation), attester: signed.attester, nonce, deadline };
  return { domain, types: CONSENT_TYPES, primaryType: 'AnchorConsent', message } as const;
}

/** The same as JSON, with the domain's type, as wallets take it (eth_signTypedData_v4). */
export function consentJson(terms: ConsentTerms): string {
  const { domain, types, primaryType, message } = consentTypedData(terms);
  const fields = [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ];
  const whole = { types: { EIP712Domain: fields, ...types }, primaryType, domain, message };
  return `${JSON.stringify(whole, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
}

/** Terms of a consent from now on. @param hours for how long it holds, from the latest block. @throws the errors of nodes */
export async function consentTerms(
  { client, contract, chainId, registry, rpcUrl }: Registry,
  signed: Signed<RunAttestation>,
  hours: number,
): Promise<ConsentTerms> {
  const [nonce, block] = await atNode(rpcUrl, () =>
    Promise.all([contract.read.nonces([signed.attestation.owner]), client.getBlock()]),
  );
  const deadline = block.timestamp + BigInt(Math.ceil(hours * 3600));
  return { chainId, registry, signed, nonce, deadline };
}

/** Signs terms as the owner, with a key or an account of the node. @throws the errors of nodes */
export async function signConsent(terms: ConsentTerms, sender: Sender, rpcUrl: string): Promise<Consent> {
  const typed = consentTypedData(terms);
  if ('privateKey' in sender)
    return { ...terms, signature: await privateKeyToAccount(sender.privateKey).signTypedData(typed) };
  const wallet = createWalletClient({ account: sender.account, transport: http(rpcUrl) });
  return { ...terms, signature: await atNode(rpcUrl, () => wallet.signTypedData(typed)) };
}

const typedSchema = z.object({ message: z.object({ nonce: decimalSchema, deadline: decimalSchema }) });

/**
 * The terms in a file that `consentJson` made, for a signature that was made elsewhere.
 * @throws ChainFileError where it is not the consent to this attestation, chain and registry
 */
export async function readTerms(
  file: string,
  about: Pick<ConsentTerms, 'chainId' | 'registry' | 'signed'>,
): Promise<ConsentTerms> {
  const next = 'Write it again: ./zklora anchor RUN --consent FILE --unsigned FILE';
  try {
    const text = await readFile(file, 'utf8');
    const terms = { ...about, ...typedSchema.parse(JSON.parse(text)).message };
    if (consentJson(terms) === text) return terms;
  } catch (error) {
    throw new ChainFileError(file, `it can't be read (${(error as Error).message})`, next, { cause: error });
  }
  throw new ChainFileError(file, 'it is the consent to something else', next);
}

const schema = z.strictObject({
  format: z.literal(FORMAT),
  chainId: z.int().min(1),
  registry: addressSchema,
  nonce: decimalSchema,
  deadline: decimalSchema,
  signature: hexSchema(),
  attestation: z.unknown(),
});

/** Writes a consent for a relayer. */
export async function writeConsent(file: string, consent: Consent): Promise<void> {
  const { chainId, registry, nonce, deadline, signature, signed } = consent;
  const terms = { chainId, registry, nonce: String(nonce), deadline: String(deadline), signature };
  const json = { format: FORMAT, ...terms, attestation: signedToJson(signed) };
  await replaceFile(file, `${JSON.stringify(json, null, 2)}\n`);
}

/** Reads a consent; whether its signature is the owner's, the registry says in a trial of `consentCall`. @throws ChainFileError */
export async function readConsent(file: string): Promise<Consent> {
  const next = 'Ask the owner for a consent: ./zklora anchor RUN --consent FILE';
  let parsed: z.output<typeof schema>;
  try {
    parsed = schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new ChainFileError(file, `it is no consent (${(error as Error).message})`, next, { cause: error });
  }
  const { attestation, chainId, registry, nonce, deadline, signature } = parsed;
  return { chainId, registry, nonce, deadline, signature, signed: signedRunOf(attestation, file) };
}

/** The call that a relayer sends. */
export function consentCall({ registry, signed, nonce, deadline, signature }: Consent): RegistryCall {
  return anchorForCall(registry, signed, { nonce, deadline, signature });
}

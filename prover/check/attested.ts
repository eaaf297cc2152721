/** Attested: who signed that the run ends at this adapter? */
import {
  recoverAddress,
  runAttestationDigest,
  type Hex,
  type RunAttestation,
  type Signed,
} from '../../protocol/attestation.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { verifierDigest } from '../../protocol/verify.ts';
import type { BatchFile } from '../chain/batch-file.ts';
import { isoTime, type AdapterRecord } from '../chain/records.ts';
import { fetchAdapter } from '../service/client.ts';
import { no, yes, type Answer } from './answers.ts';
import type { FoundSignature } from './quorum.ts';

/** What an attestation or an anchor must say: the whole record where the run is proven here, else what its claim says. */
export type Expected = Partial<AdapterRecord>;

export function expectedRecord(run: RunSpec, runId: string, root: string, record: AdapterRecord | null): Expected {
  if (record !== null) return record;
  const hex = (digits: string): Hex => `0x${digits}`;
  const { baseRoot, dataRoot, owner, steps } = run;
  const roots = { adapterRoot: hex(root), baseRoot: hex(baseRoot), dataRoot: hex(dataRoot) };
  return { runId: hex(runId), ...roots, owner: owner as Hex, steps: BigInt(steps) };
}

/**
 * The first field in which a record differs from what is expected; null where none does. The verifier is the attester's
 * word about the version that ran there, which may be older or newer than the one that runs here: it is evidence, and
 * no difference.
 */
export function difference(expected: Expected, actual: AdapterRecord): string | null {
  const text = (value: unknown): string => String(value).toLowerCase();
  const names = Object.keys(expected) as (keyof AdapterRecord)[];
  return names.find((name) => name !== 'verifier' && text(expected[name]) !== text(actual[name])) ?? null;
}

/** Which verifier version a record names, and whether it is the one that runs here. */
export function verifierEvidence(verifier: Hex): { readonly verifier: string } {
  const here = toHex(verifierDigest()) === verifier.slice(2).toLowerCase();
  return { verifier: `${verifier} (${here ? 'the version that runs here' : 'another version than runs here'})` };
}

/** What a service says of the run that ends at an adapter root; a text where it has no whole run. */
async function finalRun(worker: string, expected: Expected & { readonly runId: Hex; readonly adapterRoot: Hex }) {
  const answer = await fetchAdapter(worker, expected.adapterRoot.slice(2));
  if (answer === null) return `${worker} knows no proof that ends at this adapter`;
  const run = answer.runs.find((r) => `0x${r.runId}` === expected.runId);
  return run?.final ?? `${worker} has no complete run that ends at this adapter`;
}

/**
 * Asks a service for its attestation of the run that ends at an adapter root, and recovers the signer.
 *
 * @param attester the only signer that counts; null: any, who it is stands in the evidence
 */
export async function attested(
  worker: string,
  expected: Expected & { readonly runId: Hex; readonly adapterRoot: Hex },
  attester: Hex | null,
): Promise<Answer> {
  const final = await finalRun(worker, expected);
  if (typeof final === 'string') return no(final);
  const by = final.attestations.find((signed) => signed.attester.toLowerCase() === attester?.toLowerCase());
  const signed = by ?? final.attestation;
  if (signed === null) return no(`${worker} has the whole run but attests nothing: it has no key`);
  return judged(signed, expected, attester);
}

/** Every attestation of the run that a service has, and the one in a batch's file. @throws the errors of services */
export async function signaturesOf(
  worker: string | null,
  batch: BatchFile | undefined,
  expected: Expected & { readonly runId: Hex; readonly adapterRoot: Hex },
): Promise<FoundSignature[]> {
  const final = worker === null ? null : await finalRun(worker, expected);
  const told = final === null || typeof final === 'string' ? [] : final.attestations;
  const filed = batch?.entries.map(({ signed }) => signed) ?? [];
  const found = [
    ...told.map((signed) => ({ signed, where: 'service' }) as const),
    ...filed.map((signed) => ({ signed, where: 'batch file' }) as const),
  ];
  return found.filter(({ signed }) => difference(expected, signed.attestation) === null);
}

/**
 * Whether the file of a batch has an attestation of the record, and recovers the signer.
 *
 * @param attester as in `attested`
 */
export function attestedInBatch(batch: BatchFile, expected: Expected, attester: Hex | null): Answer {
  const entry = batch.entries.find(({ signed }) => difference(expected, signed.attestation) === null);
  if (entry === undefined) return no('the batch has no attestation of this adapter and run');
  return judged(entry.signed, expected, attester);
}

function judged({ attestation, signature }: Signed<RunAttestation>, expected: Expected, attester: Hex | null): Answer {
  const differs = difference(expected, attestation);
  if (differs !== null) return no(`the attestation is of another record: ${differs} differs`);
  const signer = recoverAddress(runAttestationDigest(attestation), signature);
  const evidence = {
    attester: signer,
    issued: isoTime(attestation.issuedAt),
    ...verifierEvidence(attestation.verifier),
    signature,
  };
  if (attester !== null && signer.toLowerCase() !== attester.toLowerCase())
    return no(`it is attested by another than ${attester}`, evidence);
  return yes(evidence);
}

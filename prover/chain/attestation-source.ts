/** Where a run's attestation comes from: a service, or a file that a service's answer was kept in. */
import { readFile } from 'node:fs/promises';

import { recoverAddress, runAttestationDigest, type RunAttestation, type Signed } from '../../protocol/attestation.ts';
import { parseSignedRun } from '../../protocol/attestation-json.ts';
import { toHex } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { runId, type RunSpec } from '../../protocol/statement.ts';
import { NotAttestedError } from '../proofs/errors.ts';
import { rangeText } from '../proofs/ranges.ts';
import { fetchRun } from '../service/client.ts';
import { ChainFileError } from './transaction-errors.ts';

/** Whether an attestation is of the run that a spec describes. */
export function attestsRun({ attestation }: Signed<RunAttestation>, spec: RunSpec): boolean {
  const { runId: attested, baseRoot, dataRoot, owner, steps } = attestation;
  return (
    attested === `0x${toHex(runId(spec))}` &&
    baseRoot === `0x${spec.baseRoot}` &&
    dataRoot === `0x${spec.dataRoot}` &&
    owner.toLowerCase() === spec.owner &&
    steps === BigInt(spec.steps)
  );
}

/**
 * A signed attestation from its JSON; the signature is the attester's, whom the reader may trust or not.
 * @param where for messages
 * @throws ChainFileError
 */
export function signedRunOf(json: unknown, where: string): Signed<RunAttestation> {
  const next = 'Get the attestation again: it is final.attestation in the service’s answer to GET /runs/ID.';
  try {
    const signed = parseSignedRun(json);
    const by = recoverAddress(runAttestationDigest(signed.attestation), signed.signature);
    if (by === signed.attester) return signed;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ChainFileError(where, `it holds no attestation of a run (${error.message})`, next, { cause: error });
  }
  throw new ChainFileError(where, 'the signature is not the attester’s', next);
}

/** Reads an attestation from a file. @throws ChainFileError */
export async function readAttestation(file: string): Promise<Signed<RunAttestation>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const next = 'Give the file of a run’s attestation, as the service has it.';
    throw new ChainFileError(file, `it can't be read (${(error as Error).message})`, next, { cause: error });
  }
  return signedRunOf(json, file);
}

/** The attestation of a run among files. @throws ChainFileError; NotAttestedError where none is of this run */
export async function attestationIn(files: readonly string[], spec: RunSpec): Promise<Signed<RunAttestation>> {
  const all = await Promise.all(files.map(readAttestation));
  const found = all.find((signed) => attestsRun(signed, spec));
  if (found !== undefined) return found;
  throw new NotAttestedError(
    toHex(runId(spec)),
    `none of ${files.join(', ')} attests it`,
    'Give the attestation of this very run.',
  );
}

/**
 * The service's attestation of a whole run; its signature is the attester's.
 *
 * @throws NotAttestedError when the run is not complete there, nobody attests, or what is attested is another run
 */
export async function attestationOf(worker: string, spec: RunSpec): Promise<Signed<RunAttestation>> {
  const id = toHex(runId(spec));
  const answer = await fetchRun(worker, id);
  const fail = (problem: string, next: string): never => {
    throw new NotAttestedError(id, problem, next);
  };
  if (answer === null) return fail(`${worker} knows no proof of it`, 'Submit its proofs: ./zklora submit RUN --to URL');
  if (answer.final === null) {
    const gaps = answer.missing.map(rangeText).join(', ');
    return fail(
      `it is not complete at ${worker}; missing: ${gaps}`,
      'Submit the missing segments: ./zklora submit RUN --to URL',
    );
  }
  const { attestation } = answer.final;
  if (attestation === null) return fail(`${worker} attests nothing`, 'Submit the proofs to a service that has a key.');
  if (!attestsRun(attestation, spec))
    return fail(`${worker} attests another run under its id`, 'Ask the operator of the service.');
  return attestation;
}

/** Where to ask for attestations. */
export interface AttestationSource {
  readonly worker?: string | undefined;
  /** Files, each with one attestation. */
  readonly attestation?: readonly string[] | undefined;
}

/** The attestation of a run, from files where some are given, else from a service. @throws as both; NotAttestedError */
export async function findAttestation(source: AttestationSource, spec: RunSpec): Promise<Signed<RunAttestation>> {
  const { worker, attestation } = source;
  if (attestation !== undefined) return attestationIn(attestation, spec);
  if (worker !== undefined) return attestationOf(worker, spec);
  throw new NotAttestedError(
    toHex(runId(spec)),
    'nobody is named who attests it',
    'Give the service by --worker, or a file with its attestation by --attestation.',
  );
}

/**
 * What this worker attests. The time of an attestation is that of the verification it speaks of, so that the same
 * record always has the same signature of a key, and none needs to be stored.
 */
import type { z } from 'zod';

import type { runAttestation, segmentAttestation } from '../api/values.ts';
import {
  runAttestationDigest,
  segmentAttestationDigest,
  type Hex,
  type RunAttestation,
  type SegmentAttestation,
} from '../protocol/attestation.ts';
import { signedToJson, type SignedJson } from '../protocol/attestation-json.ts';
import type { Chain } from '../protocol/chain.ts';
import type { RunSpec } from '../protocol/statement.ts';
import { addressOf, signDigest } from './attest.ts';
import { chainDigest } from '../protocol/proven-runs.ts';
import type { ProofRecord } from './store/types.ts';

/** By the first key, and by all of them. */
export interface Attested<T> {
  readonly attestation: T | null;
  readonly attestations: T[];
}

type SignedSegment = z.output<typeof segmentAttestation>;
type SignedRun = z.output<typeof runAttestation>;

const hex = (digits: string): Hex => `0x${digits}`;

function signed<T extends SegmentAttestation | RunAttestation>(
  attestation: T,
  digest: Uint8Array,
  keys: readonly Hex[],
): Attested<SignedJson<T>> {
  const attestations = keys.map((key) =>
    signedToJson<T>({ attestation, attester: addressOf(key), signature: signDigest(digest, key) }),
  );
  return { attestation: attestations[0] ?? null, attestations };
}

/**
 * The attestations of one proof.
 * @param keys that attest now; none: nothing is attested
 * @throws AttestationKeyError
 */
export function attestSegment(record: ProofRecord, keys: readonly Hex[]): Attested<SignedSegment> {
  const attestation: SegmentAttestation = {
    statementHash: hex(record.statementHash),
    proofDigest: hex(record.proofDigest),
    verifier: hex(record.verifier.digest),
    owner: record.statement.run.owner as Hex,
    issuedAt: BigInt(record.receivedAt),
  };
  return signed(attestation, segmentAttestationDigest(attestation), keys);
}

/** The record of a complete run, as attestations sign it and registries keep it; `issuedAt`: when it was complete. */
export function recordOfRun(runId: string, run: RunSpec, chain: Chain): RunAttestation {
  return {
    runId: hex(runId),
    runDigest: hex(chainDigest(runId, chain)),
    adapterRoot: hex(chain.adapterRoot),
    baseRoot: hex(run.baseRoot),
    dataRoot: hex(run.dataRoot),
    owner: run.owner as Hex,
    steps: BigInt(run.steps),
    verifier: hex(chain.verifier),
    issuedAt: BigInt(chain.completedAt),
  };
}

/** The attestations of a complete run. @throws AttestationKeyError */
export function attestRun(attestation: RunAttestation, keys: readonly Hex[]): Attested<SignedRun> {
  return signed(attestation, runAttestationDigest(attestation), keys);
}

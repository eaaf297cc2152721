/**
 * What this worker attests. The time of an attestation is that of the verification it speaks of, so that the same
 * record always has the same signature of a key, and none needs to be stored.
 */
import {
  runAttestationDigest,
  segmentAttestationDigest,
  type Hex,
  type RunAttestation,
  type SegmentAttestation,
  type Signed,
} from '../protocol/attestation.ts';
import { signedToJson, type SignedJson } from '../protocol/attestation-json.ts';
import { fromHex, toHex } from '../protocol/bytes.ts';
import { runDigest, type RunSpec } from '../protocol/statement.ts';
import { addressOf, signDigest } from './attest.ts';
import type { Chain } from '../protocol/chain.ts';
import type { ProofRecord } from './storage.ts';

const hex = (digits: string): Hex => `0x${digits}`;

function signed<T extends SegmentAttestation | RunAttestation>(
  attestation: T,
  digest: Uint8Array,
  key: Hex,
): SignedJson<T> {
  const whole: Signed<T> = { attestation, attester: addressOf(key), signature: signDigest(digest, key) };
  return signedToJson(whole);
}

/** The attestation of one proof, or null without a key. @throws AttestationKeyError */
export function attestSegment(record: ProofRecord, key: Hex | null): SignedJson<SegmentAttestation> | null {
  if (key === null) return null;
  const attestation: SegmentAttestation = {
    statementHash: hex(record.statementHash),
    proofDigest: hex(record.proofDigest),
    verifier: hex(record.verifier.digest),
    owner: record.statement.run.owner as Hex,
    issuedAt: BigInt(record.receivedAt),
  };
  return signed(attestation, segmentAttestationDigest(attestation), key);
}

/** Digest of a complete run, 64 hexadecimal digits. */
export function chainDigest(runId: string, chain: Chain): string {
  return toHex(
    runDigest(
      fromHex(runId, 32),
      chain.segments.map((s) => fromHex(s.statementHash, 32)),
    ),
  );
}

/** The attestation of a complete run, or null without a key. @throws AttestationKeyError */
export function attestRun(
  runId: string,
  run: RunSpec,
  chain: Chain,
  key: Hex | null,
): SignedJson<RunAttestation> | null {
  if (key === null) return null;
  const attestation: RunAttestation = {
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
  return signed(attestation, runAttestationDigest(attestation), key);
}

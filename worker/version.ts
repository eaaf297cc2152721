import { toHex } from '../protocol/bytes.ts';
import { VERIFIER, verifierDigest } from '../protocol/verify.ts';
import type { VerifierVersion } from './storage.ts';

/** The verifier that is part of this worker. */
export function currentVerifier(): VerifierVersion {
  return { id: VERIFIER.id, version: VERIFIER.version, digest: toHex(verifierDigest()) };
}

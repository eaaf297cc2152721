/** Proofs verified on this machine, one by one. */
import { ProtocolError } from '../../protocol/errors.ts';
import { verifyProof, type VerifiedProof } from '../../protocol/verify.ts';

/** A proof's bytes and where they are from: a path or a URL. */
export interface NamedProof {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The verdict on one proof. */
export interface Verdict {
  readonly name: string;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Null where the proof is refused. */
  readonly verified: VerifiedProof | null;
  readonly refusal: ProtocolError | null;
}

/** Verifies one proof; a refusal is a result. */
export function judge({ name, bytes }: NamedProof): Verdict {
  const begin = performance.now();
  const verdict = (verified: VerifiedProof | null, refusal: ProtocolError | null): Verdict => {
    return { name, bytes: bytes.length, milliseconds: performance.now() - begin, verified, refusal };
  };
  try {
    return verdict(verifyProof(bytes), null);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return verdict(null, error);
  }
}

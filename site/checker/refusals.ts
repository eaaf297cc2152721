/** Refusals and failures in words for people who are no cryptographers; the check's own words stand behind. */
import { AnswerError, NoAnswerError, RefusalError } from '../../api/client.ts';
import { CommitmentError } from '../../commitment/errors.ts';
import { AttestationError } from '../../protocol/attestation.ts';
import { DecodeError, MerkleError, ProtocolError, VerificationError } from '../../protocol/errors.ts';

/** Why a proof is refused. */
export function refusalWords(error: ProtocolError): string {
  const exact = `${error.message} [${error.code}]`;
  if (error instanceof DecodeError && error.code === 'MAGIC') return 'This is no zkLoRA proof.';
  if (error instanceof DecodeError)
    return `The file is damaged, or was made by another version of the prover: ${exact}`;
  if (error instanceof VerificationError && error.argument === 'roots')
    return `The proof is about other weights or data than its statement says: ${exact}`;
  if (error instanceof VerificationError || error instanceof MerkleError)
    return `The proof does not prove its statement: ${exact}`;
  return `The proof is refused: ${exact}`;
}

/** Why something could not be done. */
export function failureWords(error: unknown): string {
  if (error instanceof RefusalError) return `The service refused: ${error.problem.detail} ${error.problem.next}`;
  if (error instanceof NoAnswerError) return 'The service does not answer. Look at your connection and try again.';
  if (error instanceof AnswerError) return `The service gave an answer that is not understood: ${error.reason}`;
  if (error instanceof CommitmentError) return `${error.problem}. ${error.next}`;
  if (error instanceof AttestationError) return error.message;
  if (error instanceof ProtocolError) return refusalWords(error);
  if (error instanceof RangeError && /alloc|array|memory/i.test(error.message))
    return 'This browser has not enough memory for it; use ./zklora instead.';
  if (error instanceof DOMException && error.name === 'NotReadableError')
    return 'The file could not be read; perhaps it changed meanwhile.';
  return `Something went wrong: ${error instanceof Error ? error.message : String(error)}`;
}

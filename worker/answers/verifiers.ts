import type { Output } from '../../api/client.ts';
import { attesterStates } from '../attesters.ts';
import { currentVerifier } from '../version.ts';
import type { Sources } from './sources.ts';

/**
 * GET /verifiers: versions, withdrawn ones among them, and the attesting keys with their validity.
 * @throws AttestationKeyError
 */
export async function verifiersAnswer({ env, store, now, verifiers }: Sources): Promise<Output<'verifiers'>> {
  const attesters = await attesterStates(env, store, now);
  return {
    current: currentVerifier().digest,
    verifiers: verifiers.map((verifier) => ({ ...verifier })),
    attester: attesters.find(({ signing }) => signing)?.address ?? null,
    attesters,
  };
}

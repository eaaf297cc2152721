/** Whether attestations are of what was verified here, and signed by whom they say. */
import {
  AttestationError,
  recoverAddress,
  runAttestationDigest,
  segmentAttestationDigest,
  type RunAttestation,
  type SegmentAttestation,
  type Signed,
} from '../../protocol/attestation.ts';
import { parseSignedRun, parseSignedSegment } from '../../protocol/attestation-json.ts';
import type { Check } from '../messages.ts';
import { OWN_VERIFIER } from './judge.ts';

type Kind = RunAttestation | SegmentAttestation;
/** What an attestation must say; the verifier's version and the time are the attester's own. */
export type Expected<T extends Kind> = Readonly<Record<Exclude<keyof T, 'verifier' | 'issuedAt'>, string>>;

function check<T extends Kind>(signed: Signed<T>, digest: Uint8Array, expected: Expected<T>, what: string): Check {
  const { attestation, attester, signature } = signed;
  const said = attestation as unknown as Readonly<Record<string, unknown>>;
  const differs = Object.entries<string>(expected).find(
    ([name, value]) => String(said[name]).toLowerCase() !== value.toLowerCase(),
  );
  if (differs !== undefined)
    return { tone: 'bad', text: `The attestation of ${attester} is of something else: ${differs[0]} differs.` };
  if (recoverAddress(digest, signature) !== attester)
    return { tone: 'bad', text: `The signature that is said to be of ${attester} is not.` };
  const version =
    String(said.verifier) === `0x${OWN_VERIFIER}` ? '' : ' It names another version of the verifier than this page’s.';
  return { tone: 'good', text: `${attester} signed exactly this ${what}; the signature is genuine.${version}` };
}

function checkEach<T extends Kind>(
  all: readonly unknown[],
  parse: (value: unknown) => Signed<T>,
  digestOf: (attestation: T) => Uint8Array,
  expected: Expected<T>,
  what: string,
): Check[] {
  if (all.length === 0) return [{ tone: 'open', text: 'Nobody signed for it.' }];
  return all.map((value) => {
    try {
      const signed = parse(value);
      return check(signed, digestOf(signed.attestation), expected, what);
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      return { tone: 'bad', text: `An attestation is malformed: ${error.message}` };
    }
  });
}

/** A line for each attestation of a run. */
export function checkRunAttestations(all: readonly unknown[], expected: Expected<RunAttestation>): Check[] {
  return checkEach(all, parseSignedRun, runAttestationDigest, expected, 'run');
}

/** A line for each attestation of a proof. */
export function checkSegmentAttestations(all: readonly unknown[], expected: Expected<SegmentAttestation>): Check[] {
  return checkEach(all, parseSignedSegment, segmentAttestationDigest, expected, 'proof');
}

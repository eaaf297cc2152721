/** Whose word a reader takes: anybody's, one attester's, or that of some of a list or of an `AttesterSet`. */
import type { Hex, RunAttestation, Signed } from '../../protocol/attestation.ts';
import { adapterRecordId } from '../../protocol/attestation.ts';
import {
  isAttestedBySet,
  openAttesterSet,
  readSet,
  verifierWithdrawnAt,
  type SetMember,
} from '../chain/attester-set.ts';
import { atNode } from '../chain/connection.ts';
import { RequestError } from '../chain/errors.ts';
import { isoTime, type AdapterRecord } from '../chain/records.ts';
import type { Registry } from '../chain/registry.ts';
import type { Answer } from './answers.ts';

/** So many of these attesters. */
export interface ListQuorum {
  /** Distinct, ERC-55. */
  readonly attesters: readonly Hex[];
  /** From 1 to their number. */
  readonly threshold: number;
}

/** So many members of a set on the registry's chain, which counts what is recorded there alone. */
export interface SetQuorum {
  readonly set: Hex;
  /** At least 1. */
  readonly threshold: number;
}

export type Quorum = ListQuorum | SetQuorum;

/** The only attester that counts; null: any; or a quorum. */
export type Trust = Hex | null | Quorum;

export const isQuorum = (trust: Trust): trust is Quorum => trust !== null && typeof trust === 'object';

/** Somebody's attestation, and where it was found. */
export interface Voice {
  readonly attester: Hex;
  readonly where: string;
}

/** A signed attestation, whose signature was checked when it was read. */
export interface FoundSignature {
  readonly signed: Signed<RunAttestation>;
  readonly where: 'service' | 'batch file';
}

export interface Count {
  readonly reached: boolean;
  /** Why it is not reached. */
  readonly why: string;
  readonly evidence: Answer['evidence'];
}

const same = (a: Hex, b: Hex): boolean => a.toLowerCase() === b.toLowerCase();

function whyNot(threshold: number, of: number, counted: number): string {
  return `${threshold} of ${of} attesters must have attested it, and ${counted === 0 ? 'none' : counted} did`;
}

/** Names as evidence, where there are any. */
const named = (title: string, names: readonly string[]) => (names.length === 0 ? {} : { [title]: names.join(', ') });

/** Who of a list attested, and who did not; each counts once, wherever its word was found. */
export function countVoices({ attesters, threshold }: ListQuorum, voices: readonly Voice[]): Count {
  const places = attesters.map((attester) => {
    const where = voices.filter((voice) => same(voice.attester, attester)).map((voice) => voice.where);
    return { attester, where: [...new Set(where)] };
  });
  const did = places.filter(({ where }) => where.length > 0);
  const missing = places.filter(({ where }) => where.length === 0);
  return {
    reached: did.length >= threshold,
    why: whyNot(threshold, attesters.length, did.length),
    evidence: {
      threshold: `${threshold} of ${attesters.length}`,
      ...named(
        'attested by',
        did.map(({ attester, where }) => `${attester} (${where.join(', ')})`),
      ),
      ...named(
        'not attested by',
        missing.map(({ attester }) => attester),
      ),
    },
  };
}

/** Signatures as voices. @param id of the record that they must be about; absent: any verifier version's */
export function voicesOf(found: readonly FoundSignature[], id?: Hex): Voice[] {
  return found
    .filter(({ signed }) => id === undefined || adapterRecordId(signed.attestation) === id)
    .map(({ signed, where }) => ({ attester: signed.attester, where }));
}

/** Which attesters have recorded an attestation of a record, as the node tells. @throws the errors of nodes */
export async function recordedVoices(found: Registry, id: Hex, attesters: readonly Hex[]): Promise<Voice[]> {
  const times = await attestationTimes(found, id, attesters);
  return attesters.filter((_, i) => times[i][1] !== 0).map((attester) => ({ attester, where: 'registry' }));
}

/** Times of issue and of recording for each attester, in seconds since 1970; zeros where there is none. */
function attestationTimes({ contract, rpcUrl }: Registry, id: Hex, attesters: readonly Hex[]) {
  return atNode(rpcUrl, () => Promise.all(attesters.map((attester) => contract.read.attestationOf([id, attester]))));
}

/** Why a recorded attestation does not count by the dates of its key, as the contract judges; null where it does. */
function uncounted(member: SetMember, issuedAt: number, recordedAt: number): string | null {
  const { validFrom, validUntil, withdrawnSince } = member;
  if (issuedAt < validFrom) return `issued before its key was valid, ${isoTime(validFrom)}`;
  if (recordedAt >= validUntil) return `recorded after its key ended, ${isoTime(validUntil)}`;
  if (withdrawnSince !== undefined && recordedAt >= withdrawnSince) return `withdrawn since ${isoTime(withdrawnSince)}`;
  return null;
}

/**
 * Asks a set whether it counts enough attestations of a record; who attested is read beside, as evidence.
 * @throws RequestError where the set has fewer members; NoAttesterSetError, and the errors of nodes
 */
export async function countInSet(
  found: Registry,
  { set, threshold }: SetQuorum,
  record: AdapterRecord,
): Promise<Count> {
  const { rpcUrl, chainId, registry } = found;
  const open = await openAttesterSet({ rpcUrl, chainId, set });
  const { members } = await readSet(open);
  if (members.length < threshold)
    throw new RequestError(
      `the attester set ${set} has ${members.length} members, fewer than ${threshold}`,
      'Give a lower --threshold, or another set.',
    );
  const attesters = members.map(({ attester }) => attester);
  const [reached, withdrawn, times] = await Promise.all([
    isAttestedBySet(open, registry, record, threshold),
    verifierWithdrawnAt(open, record.verifier),
    attestationTimes(found, adapterRecordId(record), attesters),
  ]);
  const recorded = members.flatMap((member, i) => {
    const [issuedAt, recordedAt] = times[i];
    return recordedAt === 0 ? [] : [{ ...member, not: uncounted(member, issuedAt, recordedAt) }];
  });
  const counted = recorded.filter(({ not }) => not === null).map(({ attester }) => attester);
  const others = recorded.filter(({ not }) => not !== null).map(({ attester, not }) => `${attester} (${not})`);
  const missing = attesters.filter((attester) => recorded.every((each) => each.attester !== attester));
  return {
    reached,
    why:
      withdrawn === undefined
        ? `by the set, ${whyNot(threshold, members.length, counted.length)}`
        : 'the set has withdrawn the verifier version that verified it',
    evidence: {
      'attester set': set,
      threshold: `${threshold} of ${members.length}`,
      ...named('attested by', counted),
      ...named('not counted', others),
      ...named('not attested by', missing),
      ...(withdrawn !== undefined && { 'verifier withdrawn': isoTime(withdrawn) }),
    },
  };
}

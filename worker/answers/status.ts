/** What a registry says of a run's records, and the one word for an adapter that follows from it. */
import type { Output } from '../../api/client.ts';
import type { Hex } from '../../protocol/attestation.ts';
import { anchorsOf, type Anchor } from '../chain.ts';
import type { Env } from '../env.ts';

export type { Anchor };
export type Status = Output<'adapter'>['status'];

/** Most records that are looked up at once. */
const BATCH = 100;

/** A record of a complete run that ends at an adapter. */
export interface RunRecord {
  /** Id of the registry's record. */
  readonly record: Hex;
  /** Whose run it is. */
  readonly owner: string;
  /** Whether its verifier version counts: it is not withdrawn. */
  readonly counts: boolean;
}

/** What was found out about records. */
export interface Anchors {
  /** By record, as the registry told last. */
  readonly known: ReadonlyMap<string, Anchor>;
  /** Why the registry could not be asked now; null where it could, or there is none. */
  readonly failed: string | null;
}

/** Looks records up in the registry. @throws SettingError */
export async function lookRecordsUp(env: Env, records: readonly RunRecord[]): Promise<Anchors> {
  const ids = [...new Set(records.map(({ record }) => record))];
  const known = new Map<string, Anchor>();
  let failed: string | null = null;
  for (let at = 0; at < ids.length; at += BATCH) {
    const found = await anchorsOf(env, ids.slice(at, at + BATCH));
    for (const [record, anchor] of found?.anchors ?? []) known.set(record, anchor);
    // The others are looked up all the same: what was heard of them before, a revocation maybe, still counts.
    failed ??= found?.error?.message ?? null;
  }
  return { known, failed };
}

/**
 * The records that speak for an adapter: all of the owner whose run was complete there first. Whoever prepares another
 * run, on a base model of his own, that ends at the same weights may anchor and revoke his own records, and says
 * nothing about the adapter of others by that.
 * @param records those that count first, among them the first completed first
 */
export const speaking = (records: readonly RunRecord[]): readonly RunRecord[] =>
  records.filter(({ owner }) => owner === records[0].owner);

/**
 * The status of an adapter. A revocation of any of its owner's records holds for all: the owner speaks of the adapter,
 * and another verifier version makes another record of it.
 * @param records as for `speaking`
 * @param asked the only record that can be anchored or verified, where it is asked about; it goes first
 */
export function statusOf(records: readonly RunRecord[], anchors: Anchors, asked: Hex | null = null): Status {
  const said = ({ record }: RunRecord): Anchor['status'] | undefined => anchors.known.get(record)?.status;
  const own = speaking(records);
  if (own.some((record) => said(record) === 'revoked')) return 'revoked';
  const counting = own.filter(({ counts, record }) => counts && (asked ?? record) === record);
  if (counting.some((record) => said(record) === 'anchored')) return 'anchored';
  return counting.length > 0 ? 'verified' : 'unknown';
}

/**
 * Of several records the anchor that says most: revoked, then anchored, then superseded, then the first.
 * @param asked the only record of which anything but a revocation is told
 */
export function tellingAnchor(
  records: readonly RunRecord[],
  anchors: Anchors,
  asked: Hex | null = null,
): Anchor | null {
  const found = records.flatMap(({ record, counts }) => {
    const anchor = anchors.known.get(record);
    if (anchor === undefined || (asked !== null && record !== asked && anchor.status !== 'revoked')) return [];
    return [{ anchor, counts }];
  });
  const first = (status: Anchor['status'], all = false) =>
    found.find(({ anchor, counts }) => anchor.status === status && (all || counts));
  return (first('revoked', true) ?? first('anchored') ?? first('superseded') ?? found[0])?.anchor ?? null;
}

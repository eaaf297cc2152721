/** What a registry says of a run's records, and the one word for an adapter that follows from it. */
import type { Output } from '../../api/client.ts';
import { anchorOf, ChainReadError } from '../chain.ts';
import type { Env } from '../env.ts';

export type Anchor = NonNullable<Output<'adapter'>['runs'][number]['anchor']>;
export type Status = Output<'adapter'>['status'];

/** A record of a complete run that ends at an adapter. */
export interface RunRecord {
  /** Id of the registry's record, 0x… */
  readonly record: string;
  /** Whether its verifier version counts: it is not withdrawn. */
  readonly counts: boolean;
}

/** What was found out about records. */
export interface Anchors {
  /** By record; those that the registry could be asked about. */
  readonly known: ReadonlyMap<string, Anchor>;
  /** Why some could not be asked about; null where all could, or there is no registry. */
  readonly failed: string | null;
}

/**
 * Asks the registry about records, each once.
 * @throws SettingError
 */
export async function anchorsOf(env: Env, records: readonly RunRecord[]): Promise<Anchors> {
  const known = new Map<string, Anchor>();
  let failed: string | null = null;
  const ask = async (record: string): Promise<void> => {
    try {
      const anchor = await anchorOf(env, record);
      if (anchor !== null) known.set(record, anchor);
    } catch (error) {
      if (!(error instanceof ChainReadError)) throw error;
      failed = error.message;
    }
  };
  await Promise.all([...new Set(records.map(({ record }) => record))].map(ask));
  return { known, failed };
}

/**
 * The status of an adapter. A revocation of any of its records holds for all: the owner speaks of the adapter, and
 * another verifier version makes another record of it.
 */
export function statusOf(records: readonly RunRecord[], anchors: Anchors): Status {
  const said = ({ record }: RunRecord): Anchor['status'] | undefined => anchors.known.get(record)?.status;
  if (records.some((record) => said(record) === 'revoked')) return 'revoked';
  const counting = records.filter(({ counts }) => counts);
  if (counting.some((record) => said(record) === 'anchored')) return 'anchored';
  return counting.length > 0 ? 'verified' : 'unknown';
}

/** Of several records the anchor that says most: revoked, then anchored, then superseded, then the first. */
export function tellingAnchor(records: readonly RunRecord[], anchors: Anchors): Anchor | null {
  const found = records.flatMap(({ record, counts }) => {
    const anchor = anchors.known.get(record);
    return anchor === undefined ? [] : [{ anchor, counts }];
  });
  const first = (status: Anchor['status'], all = false) =>
    found.find(({ anchor, counts }) => anchor.status === status && (all || counts));
  return (first('revoked', true) ?? first('anchored') ?? first('superseded') ?? found[0])?.anchor ?? null;
}

/** What answers are made from. */
import type { Hex } from '../../protocol/attestation.ts';
import { attesterKeys } from '../attesters.ts';
import type { Env } from '../env.ts';
import { Store } from '../store/store.ts';
import type { KnownVerifier, Withdrawal } from '../store/types.ts';

export interface Sources {
  readonly env: Env;
  readonly store: Store;
  /** Seconds since 1970. */
  readonly now: number;
  /** Private keys that attest now; the first one's attestations are told first. */
  readonly keys: readonly Hex[];
  readonly verifiers: readonly KnownVerifier[];
  /** Verifier versions that count no more, by digest. */
  readonly withdrawn: ReadonlyMap<string, Withdrawal>;
}

/** Opens the store, and looks up which keys and verifiers count at this moment. @throws SettingError, Problem */
export async function sourcesOf(env: Env): Promise<Sources> {
  const store = new Store(env);
  const now = Math.floor(Date.now() / 1000);
  const [keys, verifiers] = await Promise.all([attesterKeys(env, store, now), store.verifiers()]);
  const withdrawn = new Map(verifiers.flatMap((v) => (v.withdrawn === null ? [] : [[v.digest, v.withdrawn] as const])));
  return { env, store, now, keys, verifiers, withdrawn };
}

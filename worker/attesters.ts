/**
 * The attesting keys and their validity.
 *
 * A key is a secret (ATTESTER_KEY, ATTESTER_KEY_NEXT); its window is a public fact that the operator announces. A key
 * signs from `validFrom` on and before `validUntil`; one without a window signs for as long as it is set. Readers learn
 * keys and windows by GET /verifiers and decide themselves whom they trust.
 *
 * Rotation, so that at no time there is no key that readers know:
 *   1. Create the new key. Announce both windows, with an overlap that gives readers time to add the new address
 *      (contracts by their attester sets): the old one until its end, the new one from the start of the overlap.
 *        ./zklora operate attesters announce NEW --from 2027-01-01 --to URL
 *        ./zklora operate attesters announce OLD --from 2026-01-01 --until 2027-02-01 --to URL
 *   2. `wrangler secret put ATTESTER_KEY_NEXT`. From the overlap's start on both keys attest each record: `attestation`
 *      is by the old one, `attestations` are by both. Since an attestation bears the time of the verification and none
 *      is stored, earlier records get the new key's too, and anybody may bring that to the registry (`attest`).
 *   3. At `validUntil` the old key stops by itself; `attestation` is by the new one from then on.
 *   4. `wrangler secret put ATTESTER_KEY` with the new key, then `wrangler secret delete ATTESTER_KEY_NEXT`.
 * A key that leaked: announce it with `--until` now, at once, and tell readers, who have to strike it from their sets:
 * a window binds this worker and not the thief. A key that has ended does not come back (`windowConflict`).
 */
import { checksumAddress, type Hex } from '../protocol/attestation.ts';
import { addressOf } from './attest.ts';
import type { Env } from './env.ts';
import type { AttesterWindow } from './store/types.ts';

/** Who knows the windows: the store. */
export interface Windows {
  attesters(): Promise<AttesterWindow[]>;
}

/** A key of this service's, as GET /verifiers tells it. Times are seconds since 1970; null: none announced. */
export interface AttesterState {
  readonly address: Hex;
  readonly validFrom: number | null;
  readonly validUntil: number | null;
  /** Whether this worker signs with it now. */
  readonly signing: boolean;
}

type Keys = Pick<Env, 'ATTESTER_KEY' | 'ATTESTER_KEY_NEXT'>;

/** The secrets that are set, each key once, by address. @throws AttestationKeyError */
function secretKeys(env: Keys): Map<Hex, Hex> {
  const keys = [env.ATTESTER_KEY, env.ATTESTER_KEY_NEXT].filter((key) => key !== undefined && key !== '') as Hex[];
  return new Map(keys.map((key) => [addressOf(key), key]));
}

const opens = (window: AttesterWindow | undefined, now: number): boolean =>
  window === undefined || (window.validFrom <= now && (window.validUntil === null || now < window.validUntil));

async function windowsByAddress(store: Windows): Promise<Map<Hex, AttesterWindow>> {
  return new Map((await store.attesters()).map((window) => [checksumAddress(window.address as Hex), window]));
}

/**
 * The private keys that attest now, ATTESTER_KEY's first; none where no secret is set or no window is open.
 * @param now seconds since 1970
 * @throws AttestationKeyError
 */
export async function attesterKeys(env: Keys, store: Windows, now: number): Promise<Hex[]> {
  const keys = secretKeys(env);
  if (keys.size === 0) return [];
  const windows = await windowsByAddress(store);
  return [...keys].filter(([address]) => opens(windows.get(address), now)).map(([, key]) => key);
}

/**
 * Every key that is set or has a window: those of secrets first, then by the start of their windows.
 * @param now seconds since 1970
 * @throws AttestationKeyError
 */
export async function attesterStates(env: Keys, store: Windows, now: number): Promise<AttesterState[]> {
  const keys = secretKeys(env);
  const windows = await windowsByAddress(store);
  const others = [...windows].filter(([address]) => !keys.has(address));
  others.sort(([, a], [, b]) => a.validFrom - b.validFrom);
  return [...keys.keys(), ...others.map(([address]) => address)].map((address) => {
    const window = windows.get(address);
    const { validFrom, validUntil } = window ?? { validFrom: null, validUntil: null };
    return { address, validFrom, validUntil, signing: keys.has(address) && opens(window, now) };
  });
}

/**
 * Why a window may not be announced, as a sentence; null where it may.
 * @param kept the window that counts now
 * @param now seconds since 1970
 */
export function windowConflict(window: AttesterWindow, kept: AttesterWindow | undefined, now: number): string | null {
  const ended = kept !== undefined && kept.validUntil !== null && kept.validUntil <= now;
  if (!ended || (window.validUntil !== null && window.validUntil <= kept.validUntil)) return null;
  return `The key ended on ${new Date(kept.validUntil * 1000).toISOString()}; a key that has ended does not come back.`;
}

/** The worker's bindings (`wrangler.toml`) and the settings read from them. */
import type { Hex } from '../protocol/attestation.ts';

export interface Env {
  readonly PROOFS: R2Bucket;
  /** Largest body of POST /verify, bytes, as a decimal text. */
  readonly MAX_PROOF_BYTES?: string;
  /** Most that a verification may cost before it reads the proof (`cost.ts`), as a decimal text. */
  readonly MAX_PREPARATION?: string;
  /** Secret: 0x and 64 hexadecimal digits. Absent: nothing is attested. */
  readonly ATTESTER_KEY?: string;
}

/** Hono's type of this worker. */
export interface AppTypes {
  readonly Bindings: Env;
}

const DEFAULT_MAX_PROOF_BYTES = 8 * 2 ** 20;

/** A binding that the worker can't run with; the operator has to mend it. The message never contains a secret. */
export class SettingError extends Error {
  readonly setting: string;

  constructor(setting: string, message: string) {
    super(`${setting}: ${message}`);
    this.name = new.target.name;
    this.setting = setting;
  }
}

/** Bytes that a proof may have. @throws SettingError */
export function maxProofBytes(env: Env): number {
  const text = env.MAX_PROOF_BYTES ?? String(DEFAULT_MAX_PROOF_BYTES);
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new SettingError('MAX_PROOF_BYTES', `"${text}" is no number of bytes`);
  return Number(text);
}

/** The attesting key, or null where nothing is to be attested; `worker/attest.ts` checks it. */
export function attesterKey(env: Env): Hex | null {
  return env.ATTESTER_KEY === undefined || env.ATTESTER_KEY === '' ? null : (env.ATTESTER_KEY as Hex);
}

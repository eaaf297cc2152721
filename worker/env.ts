/** The worker's bindings (`wrangler.toml`) and the settings read from them. */
import type { Hex } from '../protocol/attestation.ts';

export interface Env {
  /** Proofs, records and every other fact; see `store/facts.ts`. */
  readonly PROOFS: R2Bucket;
  /** The index, rebuilt from R2 by a command; `migrations/`. */
  readonly INDEX: D1Database;
  /** Events for webhooks; see `events/`. */
  readonly EVENTS: Queue;
  /** Verifications that don't fit one request; see `verification-job.ts`. */
  readonly VERIFICATIONS: Workflow;
  /** The page's scripts and styles; `site/`. */
  readonly ASSETS: Fetcher;
  /** Requests of one address that verify, or show a file, without a key; and those with a wrong key. */
  readonly ADDRESS_LIMIT: RateLimit;
  /** Writes of one API key. */
  readonly KEY_LIMIT: RateLimit;
  /** POST /adapters/lookup of one address. */
  readonly LOOKUP_LIMIT: RateLimit;

  /** Largest body of POST /verify, bytes, as a decimal text. */
  readonly MAX_PROOF_BYTES?: string;
  /** Most that a verification may cost, milliseconds by the model of `protocol/cost.ts`, as a decimal text. */
  readonly MAX_COST?: string;
  /** Most of it that one request spends; what costs more is verified by a job. */
  readonly MAX_REQUEST_COST?: string;
  /** Most jobs that are not ended, as a decimal text. */
  readonly MAX_JOBS?: string;
  /** `open`: anybody may submit; `key`: holders of API keys alone. */
  readonly WRITES?: string;
  /** Ethereum node, chain and registry that are asked for anchors; all three or none. */
  readonly CHAIN_RPC_URL?: string;
  readonly CHAIN_ID?: string;
  readonly REGISTRY_ADDRESS?: string;

  /** Secret: 0x and 64 hexadecimal digits. Absent: nothing is attested. */
  readonly ATTESTER_KEY?: string;
  /** Secret: a second key, that attests too while keys are rotated. */
  readonly ATTESTER_KEY_NEXT?: string;
  /** Secret: what opens the operator's routes. Absent: they are closed. */
  readonly OPERATOR_KEY?: string;
  /** Secret from which the webhooks' secrets are derived. Absent: there are no webhooks. */
  readonly WEBHOOK_SECRET?: string;
}

/** Hono's type of this worker. */
export interface AppTypes {
  readonly Bindings: Env;
}

/** Where nothing is set. */
const DEFAULTS = { MAX_PROOF_BYTES: 8 * 2 ** 20, MAX_COST: 20_000, MAX_REQUEST_COST: 5_000, MAX_JOBS: 20 } as const;

/** A binding that the worker can't run with; the operator has to mend it. The message never contains a secret. */
export class SettingError extends Error {
  readonly setting: string;

  constructor(setting: string, message: string) {
    super(`${setting}: ${message}`);
    this.name = new.target.name;
    this.setting = setting;
  }
}

/** A limit that the operator may set: a whole number, at least 1. @throws SettingError */
export function limitOf(env: Env, setting: keyof typeof DEFAULTS): number {
  const text = env[setting] ?? String(DEFAULTS[setting]);
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new SettingError(setting, `"${text}" is no whole number from 1 on`);
  return Number(text);
}

/** Bytes that a proof may have. @throws SettingError */
export const maxProofBytes = (env: Env): number => limitOf(env, 'MAX_PROOF_BYTES');

/** The attesting key, or null where nothing is to be attested; `worker/attest.ts` checks it. */
export function attesterKey(env: Env): Hex | null {
  return env.ATTESTER_KEY === undefined || env.ATTESTER_KEY === '' ? null : (env.ATTESTER_KEY as Hex);
}

/** Names of the objects in R2; `facts.ts` says what they hold. */

const DIGEST = '[0-9a-f]{64}';
const ADDRESS = '0x[0-9a-fA-F]{40}';

/** Digits of a time in a name, so that names are in the order of time. */
const TIME_DIGITS = 12;

export const proofObject = (proof: string): string => `proofs/${proof}`;
export const runObject = (runId: string): string => `runs/${runId}.json`;
export const recordsOf = (proof: string): string => `records/${proof}/`;
export const recordObject = (proof: string, verifier: string): string => `${recordsOf(proof)}${verifier}.json`;
export const fileObject = (adapterRoot: string, file: string): string => `files/${adapterRoot}/${file}.json`;
export const withdrawalObject = (verifier: string): string => `verifiers/${verifier}.withdrawn.json`;
/** @param at when the window was announced, seconds since 1970 */
export const attesterObject = (address: string, at: number): string =>
  `attesters/${address}/${String(at).padStart(TIME_DIGITS, '0')}.json`;

function parser(pattern: string): (name: string) => string[] | null {
  const whole = new RegExp(`^${pattern}$`);
  return (name) => whole.exec(name)?.slice(1) ?? null;
}

/** Parts of a name, or null where it is none of its kind. */
export const parseName = {
  /** run id */
  run: parser(`runs/(${DIGEST})\\.json`),
  /** proof, verifier */
  record: parser(`records/(${DIGEST})/(${DIGEST})\\.json`),
  /** adapter root, file */
  file: parser(`files/(${DIGEST})/(${DIGEST})\\.json`),
  /** verifier */
  withdrawal: parser(`verifiers/(${DIGEST})\\.withdrawn\\.json`),
  /** address, time */
  attester: parser(`attesters/(${ADDRESS})/([0-9]{${TIME_DIGITS}})\\.json`),
} as const;

/**
 * What the service keeps: facts in R2, which are the truth, and their index in D1.
 *
 * Every write puts its facts first and enters them in the index afterwards. Each step can be repeated and does nothing
 * the second time, so that whoever asks again after a crash, or `rebuild.ts`, does what was left undone.
 */
import { insertEvent, verifierWithdrawnEvent } from '../events/event.ts';
import { Problem } from '../problems.ts';
import { currentVerifier } from '../version.ts';
import { Facts } from './facts.ts';
import { RunIndex } from './index.ts';
import { LookupIndex, MAX_STORED_FILES } from './lookup.ts';
import {
  attesterObject,
  fileObject,
  parseName,
  proofObject,
  recordObject,
  recordsOf,
  runObject,
  withdrawalObject,
} from './objects.ts';
import { ATTESTERS, FILES, fileRow, insert, upsert, VERIFIERS, windowRow, withdrawnVerifierRow } from './rows.ts';
import { fileSchema, recordSchema, windowSchema, withdrawalSchema } from './schemas.ts';
import type { Env } from '../env.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type {
  AttesterWindow,
  KnownVerifier,
  LookupRow,
  Named,
  ProofRecord,
  RunEntry,
  ShownFile,
  Withdrawal,
} from './types.ts';

/** Most verifier versions that one proof's records are looked through for. */
const MAX_RECORDS = 100;

const now = (): number => Math.floor(Date.now() / 1000);

interface VerifierRow {
  readonly digest: string;
  readonly id: string;
  readonly version: string;
  readonly code_hash: string;
  readonly withdrawn_at: number | null;
  readonly withdrawn_reason: string | null;
}

/** Proofs, runs, adapters, verifier versions and attesting keys. Times are seconds since 1970. */
export class Store {
  readonly #facts: Facts;
  readonly #index: D1Database;
  readonly #runs: RunIndex;
  readonly #lookups: LookupIndex;

  constructor(env: Pick<Env, 'PROOFS' | 'INDEX'>) {
    this.#facts = new Facts(env.PROOFS);
    this.#index = env.INDEX;
    this.#runs = new RunIndex(env.INDEX);
    this.#lookups = new LookupIndex(env.INDEX);
  }

  /**
   * Stores a proof that was verified: its bytes (R2 checks them against the digest), its run, its record, its rows.
   * @returns the record kept: an earlier one where another request was first
   * @throws Problem (503) where enough proofs of the same statement are stored
   */
  async accept(bytes: Uint8Array<ArrayBuffer>, record: ProofRecord): Promise<ProofRecord> {
    const { proofDigest, runId, verifier, statement } = record;
    await this.#runs.requireRoom(record);
    await this.#facts.createBytes(proofObject(proofDigest), bytes, proofDigest);
    await this.#facts.create(runObject(runId), { runId, run: statement.run });
    const name = recordObject(proofDigest, verifier.digest);
    const kept = await this.#facts.createOrGet(name, recordSchema(proofDigest, verifier.digest), record);
    await this.index(kept);
    return kept;
  }

  /**
   * Puts the bytes of a recorded proof back where they were lost; R2 checks them against the digest.
   * @returns whether they were
   */
  restore(bytes: Uint8Array<ArrayBuffer>, proof: string): Promise<boolean> {
    return this.#facts.createBytes(proofObject(proof), bytes, proof);
  }

  /** Enters a stored record in the index where it is missing there, and what its run thereby completes. */
  async index(record: ProofRecord): Promise<void> {
    await this.#runs.enter(record, now());
  }

  /**
   * The record of a proof, or null.
   * @param verifier digest; absent: the current verifier's record, else the newest by a version that is not withdrawn,
   *   else the newest
   * @throws BrokenObjectError
   */
  async record(proof: string, verifier?: string): Promise<ProofRecord | null> {
    const of = (digest: string): Promise<ProofRecord | null> =>
      this.#facts.get(recordObject(proof, digest), recordSchema(proof, digest));
    if (verifier !== undefined) return of(verifier);
    const current = await of(currentVerifier().digest);
    if (current !== null) return current;

    const { names } = await this.#facts.names(recordsOf(proof), MAX_RECORDS);
    if (names.length === 0) return null;
    const digests = names.map((name) => parseName.record(name)?.[1]).filter((digest) => digest !== undefined);
    const records = (await Promise.all(digests.map(of))).filter((each) => each !== null);
    const withdrawn = new Set((await this.verifiers()).filter((each) => each.withdrawn).map((each) => each.digest));
    records.sort(
      (a, b) =>
        Number(withdrawn.has(a.verifier.digest)) - Number(withdrawn.has(b.verifier.digest)) ||
        b.receivedAt - a.receivedAt,
    );
    return records[0] ?? null;
  }

  /** The bytes of a proof as a stream, or null. */
  raw(proof: string): Promise<R2ObjectBody | null> {
    return this.#facts.raw(proofObject(proof));
  }

  /** Whether the bytes of a proof are there. */
  has(proof: string): Promise<boolean> {
    return this.#facts.has(proofObject(proof));
  }

  /**
   * A run and its proofs; null where none is stored.
   * @param steps of which label counts and losses are read at most; absent: MAX_STEPS
   * @throws Problem (503) where they are too many
   */
  run(runId: string, steps?: number): Promise<RunEntry | null> {
    return this.#runs.read(runId, steps);
  }

  /** What a run declares, without its proofs; null where none is stored. */
  spec(runId: string): Promise<RunSpec | null> {
    return this.#runs.spec(runId);
  }

  /** What an id names: an adapter root, else the SHA-256 of a file, else that of its tensors, else a record's id; or null. */
  async named(id: string): Promise<Named | null> {
    return (await this.#lookups.lookUp([id]))[0].named;
  }

  /** What each id names, and the complete runs that end there; in the order of the ids. */
  statuses(ids: readonly string[]): Promise<LookupRow[]> {
    return this.#lookups.lookUp(ids);
  }

  /** Runs with a proof that ends at an adapter, complete ones first; `more` is counted up to 1000. */
  runsEndingAt(adapterRoot: string, limit: number): Promise<{ runIds: string[]; more: number }> {
    return this.#lookups.runsEndingAt(adapterRoot, limit);
  }

  /** Whether a stored proof of a run ends at an adapter. */
  endsAt(runId: string, adapterRoot: string): Promise<boolean> {
    return this.#lookups.endsAt(runId, adapterRoot);
  }

  /** Files shown of an adapter, at most 100: those with the digest `id`, then the first shown first. */
  filesOf(adapterRoot: string, id?: string): Promise<ShownFile[]> {
    return this.#lookups.filesOf(adapterRoot, id);
  }

  /**
   * Stores that a file holds an adapter. The caller has computed the root from the file itself.
   * @returns what is kept: the first time it was shown
   * @throws Problem where no stored proof of the run ends at that root (422; 409 while the run is incomplete); 503 where its files are too many
   */
  async showFile(shown: ShownFile): Promise<ShownFile> {
    const { adapterRoot, file, runId } = shown;
    if (!(await this.endsAt(runId, adapterRoot))) {
      const complete = await this.#lookups.isComplete(runId);
      throw new Problem(complete ? 422 : 409, {
        code: complete ? 'ADAPTER_ROOT' : 'RUN_INCOMPLETE',
        detail: `The file is an adapter with root ${adapterRoot}; no stored proof of run ${runId} ends there${complete ? '' : ', and its proofs do not reach its last step yet'}.`,
        next: complete
          ? 'Show the file that this run wrote, unchanged.'
          : 'Have the run’s other proofs submitted, then show the file again; GET /runs/{id} tells which are missing.',
        check: 'adapter root',
        evidence: { adapterRoot, runId },
      });
    }
    const name = fileObject(adapterRoot, file);
    if ((await this.#lookups.countFiles(adapterRoot)) >= MAX_STORED_FILES && !(await this.#facts.has(name)))
      throw new Problem(503, {
        code: 'TOO_MANY_FILES',
        detail: `${MAX_STORED_FILES} files of adapter ${adapterRoot} are stored; more are not taken.`,
        next: 'Look the file up by the SHA-256 of its tensors, or by the adapter root.',
      });
    const kept = await this.#facts.createOrGet(name, fileSchema(adapterRoot, file), shown);
    await insert(this.#index, FILES, fileRow(kept)).run();
    return kept;
  }

  /** Verifier versions that verified something here or were withdrawn, and the current one. */
  async verifiers(): Promise<KnownVerifier[]> {
    const { results } = await this.#index.prepare('SELECT * FROM verifiers ORDER BY digest').all<VerifierRow>();
    const known = results.map(({ digest, id, version, code_hash: codeHash, withdrawn_at: at, withdrawn_reason }) => {
      const withdrawn = at === null ? null : { at, reason: withdrawn_reason ?? '' };
      return { digest, id, version, codeHash, withdrawn };
    });
    const current = currentVerifier();
    return known.some(({ digest }) => digest === current.digest) ? known : [...known, { ...current, withdrawn: null }];
  }

  /**
   * Marks a verifier version as withdrawn, for ever. Asked again it does what was left undone.
   * @returns the withdrawal kept: the first
   * @throws Problem (404) for a version that is not known
   */
  async withdraw(digest: string, withdrawal: Withdrawal): Promise<Withdrawal> {
    const known = (await this.verifiers()).find((each) => each.digest === digest);
    if (known === undefined) {
      const next = 'GET /verifiers lists those that are.';
      throw new Problem(404, { code: 'NOT_FOUND', detail: `No verifier version ${digest} is known here.`, next });
    }
    const fact = { ...known, withdrawn: withdrawal };
    const kept = await this.#facts.createOrGet(withdrawalObject(digest), withdrawalSchema(digest), fact);
    await this.#index.batch([
      upsert(this.#index, VERIFIERS, withdrawnVerifierRow(kept)),
      insertEvent(this.#index, verifierWithdrawnEvent(digest, kept.withdrawn), now()),
    ]);
    return kept.withdrawn;
  }

  /** Announced windows of attesting keys, the latest of each address. */
  async attesters(): Promise<AttesterWindow[]> {
    const { results } = await this.#index
      .prepare('SELECT address, MAX(announced_at), valid_from, valid_until FROM attesters GROUP BY address')
      .all<{ address: string; valid_from: number; valid_until: number | null }>();
    return results.map(({ address, valid_from, valid_until }) => {
      return { address, validFrom: valid_from, validUntil: valid_until };
    });
  }

  /**
   * Announces from when until when a key attests; the latest announcement of an address counts.
   * @param at when it is announced
   * @throws Problem (409) where another window was announced in the same second
   */
  async announceAttester(window: AttesterWindow, at: number): Promise<void> {
    const { address, validFrom, validUntil } = window;
    const kept = await this.#facts.createOrGet(attesterObject(address, at), windowSchema(address), window);
    await insert(this.#index, ATTESTERS, windowRow(kept, at)).run();
    if (kept.validFrom === validFrom && kept.validUntil === validUntil) return;
    const detail = `Another window of ${address} was announced in the same second.`;
    throw new Problem(409, {
      code: 'ATTESTER_WINDOW',
      detail,
      next: 'Announce it again if it is the one that counts.',
    });
  }
}

/** Which objects of R2 stand for which rows of the index: one pass of `rebuild.ts` a kind of object. */
import type { Env } from '../env.ts';
import { BrokenObjectError, type Facts } from './facts.ts';
import { KeyStore, keyObject, keyOfObject, keyRevocationObject } from './keys.ts';
import { attesterObject, fileObject, parseName, recordObject, runObject, withdrawalObject } from './objects.ts';
import {
  ATTESTERS,
  FILES,
  fileRow,
  KEYS,
  PROOFS,
  proofRow,
  RUNS,
  runRow,
  VERIFIERS,
  WEBHOOKS,
  windowRow,
  withdrawnVerifierRow,
  type Row,
  type Table,
} from './rows.ts';
import { fileSchema, manifestSchema, recordSchema, windowSchema, withdrawalSchema } from './schemas.ts';
import type { ProofRecord } from './types.ts';
import { webhookObject, webhookOfObject, webhookRemovalObject, WebhookStore } from './webhooks.ts';

/** What an object says: its row, and the record where it is one. */
export interface Read {
  readonly row: Row;
  readonly record?: ProofRecord;
}

/** Objects with a prefix and the table of their rows, both in the same order. */
export interface Pass {
  readonly prefix: string;
  readonly table: Table;
  /** Key of the row that an object stands for; null where it stands for none of its own. */
  keyOf(this: void, name: string): (string | number)[] | null;
  /** Whether an object belongs to the row of another one, which reads it too. */
  isPart?(this: void, name: string): boolean;
  /** The object of a row. */
  nameOf(this: void, row: Row): string;
  /** @throws BrokenObjectError */
  read(this: void, facts: Facts, name: string): Promise<Read>;
  /** What a row without object has to be; absent: there must be none. */
  withoutObject?(this: void, index: D1Database, row: Row): Promise<Row | null>;
}

/** A fact that a listing named, and that must be there. */
async function present<T>(name: string, fact: Promise<T | null>): Promise<T> {
  const found = await fact;
  if (found === null) throw new BrokenObjectError(name, 'it was listed and is not there');
  return found;
}

const records: Pass = {
  prefix: 'records/',
  table: PROOFS,
  keyOf: parseName.record,
  nameOf: (row) => recordObject(row.proof_digest as string, row.verifier as string),
  async read(facts, name) {
    const [proof, verifier] = parseName.record(name)!;
    const record = await present(name, facts.get(name, recordSchema(proof, verifier)));
    return { row: proofRow(record), record };
  },
};

const runs: Pass = {
  prefix: 'runs/',
  table: RUNS,
  keyOf: parseName.run,
  nameOf: (row) => runObject(row.run_id as string),
  async read(facts, name) {
    const [runId] = parseName.run(name)!;
    return { row: runRow(await present(name, facts.get(name, manifestSchema(runId)))) };
  },
};

const files: Pass = {
  prefix: 'files/',
  table: FILES,
  keyOf: parseName.file,
  nameOf: (row) => fileObject(row.adapter_root as string, row.file as string),
  async read(facts, name) {
    const [root, file] = parseName.file(name)!;
    return { row: fileRow(await present(name, facts.get(name, fileSchema(root, file)))) };
  },
};

const verifiers: Pass = {
  prefix: 'verifiers/',
  table: VERIFIERS,
  keyOf: parseName.withdrawal,
  nameOf: (row) => withdrawalObject(row.digest as string),
  async read(facts, name) {
    const [digest] = parseName.withdrawal(name)!;
    return { row: withdrawnVerifierRow(await present(name, facts.get(name, withdrawalSchema(digest)))) };
  },
  async withoutObject(index, row) {
    const proof = await index.prepare('SELECT 1 FROM proofs WHERE verifier = ?1 LIMIT 1').bind(row.digest).first();
    return proof === null ? null : { ...row, withdrawn_at: null, withdrawn_reason: null };
  },
};

const attesters: Pass = {
  prefix: 'attesters/',
  table: ATTESTERS,
  keyOf(name) {
    const parts = parseName.attester(name);
    return parts && [parts[0], Number(parts[1])];
  },
  nameOf: (row) => attesterObject(row.address as string, row.announced_at as number),
  async read(facts, name) {
    const [address, at] = parseName.attester(name)!;
    return { row: windowRow(await present(name, facts.get(name, windowSchema(address))), Number(at)) };
  },
};

/** Of objects of which a second one says that the first has ended. */
const ended = (id: string | null, first: (id: string) => string, name: string): string[] | null =>
  id !== null && name === first(id) ? [id] : null;

function keys(store: KeyStore): Pass {
  return {
    prefix: 'keys/',
    table: KEYS,
    keyOf: (name) => ended(keyOfObject(name), keyObject, name),
    isPart: (name) => ended(keyOfObject(name), keyRevocationObject, name) !== null,
    nameOf: (row) => keyObject(row.id as string),
    async read(_, name) {
      const { key, revokedAt } = await present(name, store.facts(keyOfObject(name)!));
      if (keyObject(key.id) !== name) throw new BrokenObjectError(name, `it is key ${key.id}`);
      const { id, hash, createdAt } = key;
      return { row: { id, name: key.name, hash, created_at: createdAt, revoked_at: revokedAt } };
    },
  };
}

function webhooks(store: WebhookStore): Pass {
  return {
    prefix: 'webhooks/',
    table: WEBHOOKS,
    keyOf: (name) => ended(webhookOfObject(name), webhookObject, name),
    isPart: (name) => ended(webhookOfObject(name), webhookRemovalObject, name) !== null,
    nameOf: (row) => webhookObject(row.id as string),
    async read(_, name) {
      const { webhook, removedAt } = await present(name, store.facts(webhookOfObject(name)!));
      const { id, keyId, url, events, createdAt } = webhook;
      if (webhookObject(id) !== name) throw new BrokenObjectError(name, `it is webhook ${id}`);
      const times = { created_at: createdAt, removed_at: removedAt };
      return { row: { id, key_id: keyId, url, events: JSON.stringify(events), ...times } };
    },
  };
}

/** All passes. Those of a name are in the order in which they are to be made. */
export function passesOf(env: Pick<Env, 'PROOFS' | 'INDEX'>): readonly Pass[] {
  return [records, runs, files, verifiers, attesters, keys(new KeyStore(env)), webhooks(new WebhookStore(env))];
}

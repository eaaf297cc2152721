/**
 * Facts in R2: the truth of which the index (`index.ts`) is a view. An object is put once and never again, so that
 * nothing is overwritten, and whoever comes second finds what the first one put.
 *
 *   proofs/{proof}                            the bytes, put with their SHA-256, which R2 checks
 *   runs/{runId}.json                         the run: the manifest of its segments
 *   records/{proof}/{verifier}.json           what one verifier version verified, and when
 *   files/{adapterRoot}/{file}.json           an adapter file that was shown
 *   verifiers/{verifier}.withdrawn.json       why a verifier version counts no more
 *   attesters/{address}/{time}.json           from when until when a key attests; the latest counts
 *   keys/{id}.json, keys/{id}.revoked.json    API keys, as hashes
 *   webhooks/{id}.json, webhooks/{id}.removed.json
 *
 * Proofs under uploads/{proof} wait for a job (`../jobs.ts`): they are no facts, and go when it has ended.
 */
import type { z } from 'zod';

import { Problem } from '../problems.ts';

const CREATE_ONLY = { onlyIf: { etagDoesNotMatch: '*' } } as const;

/** An object in R2 that is not what its name says; somebody or something else than this worker wrote it. */
export class BrokenObjectError extends Problem {
  readonly object: string;
  readonly reason: string;

  constructor(object: string, reason: string, options?: ErrorOptions) {
    super(500, {
      code: 'BROKEN_OBJECT',
      detail: `The object ${object} in the store is broken: ${reason}`,
      next: 'Tell the operator of this worker, who restores the object from a copy.',
      evidence: { object },
    });
    this.cause = options?.cause;
    this.object = object;
    this.reason = reason;
  }
}

/** Names of objects, in order. */
export interface NamePage {
  readonly names: readonly string[];
  /** Whether there are more behind the last one. */
  readonly more: boolean;
}

/** The bucket: create-only, and JSON checked when it is read. */
export class Facts {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /**
   * Puts a fact where none of that name is.
   * @param value JSON
   * @returns whether it was put; false: there was one
   */
  create(name: string, value: object): Promise<boolean> {
    return this.#create(name, JSON.stringify(value), { httpMetadata: { contentType: 'application/json' } });
  }

  /** Puts bytes where none of that name are. R2 refuses others than those of the digest. @param sha256 in hexadecimal */
  createBytes(name: string, bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<boolean> {
    return this.#create(name, bytes, { sha256, httpMetadata: { contentType: 'application/octet-stream' } });
  }

  async #create(name: string, body: string | Uint8Array<ArrayBuffer>, options: R2PutOptions): Promise<boolean> {
    // R2 takes about one write a second of one name, and counts those that come to nothing.
    if (await this.has(name)) return false;
    return (await this.#bucket.put(name, body, { ...options, ...CREATE_ONLY })) !== null;
  }

  /**
   * Puts a fact, or takes the one that is there.
   * @returns the fact that is kept
   * @throws BrokenObjectError
   */
  async createOrGet<T extends object>(name: string, schema: z.ZodType<T>, value: T): Promise<T> {
    if (await this.create(name, value)) return value;
    const kept = await this.get(name, schema);
    if (kept === null) throw new BrokenObjectError(name, 'it is neither new nor there');
    return kept;
  }

  /** A fact, or null. @throws BrokenObjectError */
  async get<T>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    const object = await this.#bucket.get(name);
    if (object === null) return null;
    let value: unknown;
    try {
      value = JSON.parse(await object.text());
    } catch (cause) {
      throw new BrokenObjectError(name, 'it is no JSON', { cause });
    }
    const { data, error } = schema.safeParse(value);
    if (error === undefined) return data;
    const [{ path, message }] = error.issues;
    throw new BrokenObjectError(name, `${path.join('.') || 'it'}: ${message}`, { cause: error });
  }

  /** Bytes as a stream, or null. */
  raw(name: string): Promise<R2ObjectBody | null> {
    return this.#bucket.get(name);
  }

  async has(name: string): Promise<boolean> {
    return (await this.#bucket.head(name)) !== null;
  }

  /** Which of some names have no object. */
  async missing(names: readonly string[]): Promise<string[]> {
    const there = await Promise.all(names.map((name) => this.has(name)));
    return names.filter((_, i) => !there[i]);
  }

  /**
   * Names with a prefix, in the order of their characters.
   * @param after the names behind this one; absent: from the first
   * @param limit 1 to 1000
   */
  async names(prefix: string, limit: number, after?: string): Promise<NamePage> {
    const { objects, truncated } = await this.#bucket.list({ prefix, limit, ...(after && { startAfter: after }) });
    return { names: objects.map((object) => object.key), more: truncated };
  }
}

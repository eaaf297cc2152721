/**
 * Bodies of requests, with limits of our own: a local runtime enforces none, and a deployed one lets a body take as long
 * as it likes.
 */
import { Problem } from './problems.ts';

/** Seconds that a body may take besides what its bytes take. */
const GRACE = 10;

/** Bytes a second that a body must come at, on average. */
const SLOWEST = 65_536;

/**
 * Pieces that a body may come in, besides one for so many of its bytes. Each takes some 30 µs of CPU time and a few
 * hundred bytes, so that eight megabytes in pieces of one byte would take minutes.
 */
const PIECES = 16_384;
const BYTES_A_PIECE = 256;

/** Seconds that a body of so many bytes may take. */
export const bodySeconds = (bytes: number): number => GRACE + bytes / SLOWEST;

function tooLarge(limit: number, found: string): Problem {
  return new Problem(413, {
    code: 'BODY_TOO_LARGE',
    detail: `The body has ${found}; this worker takes at most ${limit} bytes.`,
    next: 'Prove fewer steps at a time, or ask the operator to raise MAX_PROOF_BYTES.',
    evidence: { limit },
  });
}

function tooSlow(received: number): Problem {
  return new Problem(408, {
    code: 'BODY_SLOW',
    detail: `After ${received} bytes of the body nothing more came in time.`,
    next: `Send it by a connection that carries at least ${SLOWEST} bytes a second.`,
    evidence: { received, slowest: SLOWEST },
  });
}

function tooManyPieces(received: number): Problem {
  return new Problem(408, {
    code: 'BODY_SLOW',
    detail: `The body comes in too small pieces: more than ${PIECES} for its first ${received} bytes.`,
    next: `Send it in pieces of ${BYTES_A_PIECE} bytes or more, as every HTTP client does by itself.`,
    evidence: { received, pieces: PIECES },
  });
}

/** @throws Problem (415) unless the request says that its body is plain bytes */
export function requireBytes(request: Request): void {
  const type = request.headers.get('content-type') ?? '';
  if (type.split(';')[0].trim().toLowerCase() !== 'application/octet-stream') {
    throw new Problem(415, {
      code: 'MEDIA_TYPE',
      detail: type === '' ? 'The request has no Content-Type.' : `The Content-Type is ${type.slice(0, 80)}.`,
      next: 'Send the file as the body, with Content-Type: application/octet-stream.',
      headers: { accept: 'application/octet-stream' },
    });
  }
}

/** A body that is read piece by piece, so that what stands at its front can be refused before the rest is held. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #since = Date.now();
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #pieces = 0;
  #ended: boolean;
  /** Bytes that the body says it has, or null. */
  readonly declared: number | null;

  /** @param limit no longer body is read, whatever stands in it. @throws Problem (413, or 400 for an empty body) */
  constructor(request: Request, limit: number) {
    const header = request.headers.get('content-length');
    this.declared = header === null || !/^[0-9]{1,15}$/.test(header) ? null : Number(header);
    if (this.declared !== null && this.declared > limit) throw tooLarge(limit, `${this.declared} bytes`);
    this.#reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader() ?? null;
    this.#ended = this.#reader === null;
  }

  /**
   * Reads until `count` bytes are there, or the body ends.
   * @returns all bytes so far, maybe more or fewer than `count`
   * @throws Problem (408 where they come too slowly or in too small pieces, 400 where the connection breaks)
   */
  async upTo(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#length < count && !this.#ended) await this.#read();
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    // What was put together is not held twice.
    this.#chunks.splice(0, Infinity, bytes);
    return bytes;
  }

  /**
   * Reads the body to its end; stops where it gets longer.
   * @throws Problem (413; 400 for an empty body; as `upTo`)
   */
  async whole(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.upTo(limit + 1);
    if (bytes.length > limit) {
      await this.stop();
      throw tooLarge(limit, `more than ${limit} bytes`);
    }
    if (bytes.length > 0) return bytes;
    throw new Problem(400, { code: 'BODY_EMPTY', detail: 'The body is empty.', next: 'Send the file as the body.' });
  }

  /** Reads no further. */
  async stop(): Promise<void> {
    this.#ended = true;
    await this.#reader?.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    const left = this.#since + 1000 * bodySeconds(this.#length) - Date.now();
    let timer: number | null = null;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), Math.max(0, left));
    });
    try {
      const result = await Promise.race([this.#reader!.read(), late]);
      if (result === 'late') {
        await this.stop();
        throw tooSlow(this.#length);
      }
      if (result.done) this.#ended = true;
      else {
        this.#chunks.push(result.value);
        this.#length += result.value.length;
        if (++this.#pieces > PIECES + this.#length / BYTES_A_PIECE) {
          await this.stop();
          throw tooManyPieces(this.#length);
        }
      }
    } catch (error) {
      if (error instanceof Problem) throw error;
      const detail = `The connection broke after ${this.#length} bytes of the body.`;
      throw new Problem(400, { code: 'BODY_CUT', detail, next: 'Send it again.' });
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Reads a body of at most `limit` bytes; stops reading where it gets longer.
 * @throws Problem (413, 408, or 400 for an empty or a broken body)
 */
export function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  return new BodyReader(request, limit).whole(limit);
}

/** Bodies of requests, with limits of our own: a local runtime enforces none. */
import { Problem } from './problems.ts';

function tooLarge(limit: number, found: string): Problem {
  return new Problem(413, {
    code: 'BODY_TOO_LARGE',
    detail: `The body has ${found}; this worker takes at most ${limit} bytes.`,
    next: 'Prove fewer steps at a time, or ask the operator to raise MAX_PROOF_BYTES.',
    evidence: { limit },
  });
}

/** @throws Problem (415) unless the request says that its body is plain bytes */
export function requireBytes(request: Request): void {
  const type = request.headers.get('content-type') ?? '';
  if (type.split(';')[0].trim().toLowerCase() !== 'application/octet-stream') {
    throw new Problem(415, {
      code: 'MEDIA_TYPE',
      detail: type === '' ? 'The request has no Content-Type.' : `The Content-Type is ${type.slice(0, 80)}.`,
      next: 'Send the proof file as the body, with Content-Type: application/octet-stream.',
      headers: { accept: 'application/octet-stream' },
    });
  }
}

/**
 * Reads a body of at most `limit` bytes; stops reading where it gets longer.
 * @throws Problem (413, or 400 for an empty body)
 */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limit) throw tooLarge(limit, `${declared} bytes`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (request.body !== null) {
    for await (const chunk of request.body as ReadableStream<Uint8Array>) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit, `more than ${limit} bytes`);
      chunks.push(chunk);
    }
  }
  if (length === 0) {
    const next = 'Send the proof file as the body.';
    throw new Problem(400, { code: 'BODY_EMPTY', detail: 'The body is empty.', next });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

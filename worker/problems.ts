/** Refusals as RFC 9457 problems; the one place that maps the protocol's errors to statuses. */
import { HTTPException } from 'hono/http-exception';

import type { Problem as ProblemBody } from '../api/client.ts';
import type { ProblemCode } from '../api/problem-codes.ts';
import { AttestationError } from '../protocol/attestation.ts';
import { DecodeError, ProtocolError, VerificationError } from '../protocol/errors.ts';
import { AttestationKeyError } from './attest.ts';
import { SettingError } from './env.ts';

/** Members of a problem besides the standard ones. */
export interface ProblemDetails {
  /** Stable; `api/problem-codes.ts` lists all. */
  readonly code: ProblemCode;
  /** One or a few sentences about this very refusal. */
  readonly detail: string;
  /** What to do about it. */
  readonly next: string;
  /** The check that refused: an argument of the proof, or a field of the bytes; absent where none did. */
  readonly check?: string | undefined;
  /** What the check found, where it says so. */
  readonly evidence?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Malformed request',
  401: 'Not authorised',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Body too slow',
  409: 'Conflict',
  413: 'Body too large',
  415: 'Unsupported media type',
  422: 'What was sent does not hold',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
};

/** A request that is refused. */
export class Problem extends Error {
  readonly status: number;
  readonly details: ProblemDetails;

  constructor(status: number, details: ProblemDetails) {
    super(`${details.code}: ${details.detail}`);
    this.name = new.target.name;
    this.status = status;
    this.details = details;
  }

  /** Its members. */
  toBody(): ProblemBody {
    const { code, detail, next, check, evidence } = this.details;
    return {
      type: `urn:zklora:problem:${code}`,
      title: TITLES[this.status] ?? 'Refused',
      status: this.status,
      detail,
      code,
      check: check ?? null,
      next,
      ...(evidence && { evidence }),
    };
  }

  /** The response, application/problem+json. */
  toResponse(): Response {
    return new Response(JSON.stringify(this.toBody()), {
      status: this.status,
      headers: { ...this.details.headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    });
  }
}

const RESEND =
  'Send the proof file byte for byte as the prover wrote it. If it is, prover and worker are of different versions: see GET /verifiers.';
const REPROVE =
  'Prove this segment again from its run folder; if it is refused again, the statement and the run differ.';

function definedOnly(fields: Record<string, string | number | undefined>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

function ofProtocol(error: ProtocolError): Problem {
  const { message: detail } = error;
  // A test compares the codes of the protocol's sources with the list.
  const code = error.code as ProblemCode;
  if (error instanceof DecodeError) {
    const evidence = { offset: error.offset };
    return new Problem(400, { code, detail, next: RESEND, check: error.field, evidence });
  }
  if (error instanceof VerificationError) {
    const { round, expected, actual } = error;
    const evidence = definedOnly({ round, expected, actual });
    return new Problem(422, { code, detail, next: REPROVE, check: error.argument, evidence });
  }
  return new Problem(422, { code, detail, next: REPROVE });
}

/** A finding of a schema, as zod tells it. */
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const TARGETS: Readonly<Record<string, ProblemCode>> = { param: 'ID', query: 'QUERY', json: 'BODY' };

/** What a route's declaration refuses. @param target the part of the request, as Hono names it */
export function invalid(target: string, issues: readonly Issue[]): Problem {
  const [{ path, message }] = issues;
  const check = path.length === 0 ? 'body' : path.map(String).join('.').slice(0, 80);
  return new Problem(400, {
    code: TARGETS[target] ?? 'BODY',
    detail: `${check}: ${message.slice(0, 300)}.`,
    next:
      target === 'param'
        ? 'Take the id from an answer of this worker; hexadecimal digits in lower case.'
        : 'GET /docs tells what the route takes.',
    check,
  });
}

function ofHttp(error: HTTPException): Problem {
  const next = 'GET /docs tells what the route takes.';
  if (error.status === 415)
    return new Problem(415, { code: 'MEDIA_TYPE', detail: 'The Content-Type is not the one that it takes.', next });
  return new Problem(400, { code: 'BODY_JSON', detail: `The body is not understood: ${error.message}.`, next });
}

/** What D1 says of an index to which not all of `migrations/` was applied. */
const UNMIGRATED = /^D1_ERROR: (no such (table|column)|table \S+ has no column)/;

/** Any error as a problem. What isn't known is logged and told to nobody else. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof AttestationKeyError || error instanceof AttestationError || error instanceof SettingError) {
    const detail = `The worker is not set up well: ${error.message}`;
    return new Problem(500, { code: 'WORKER_SETTING', detail, next: 'Tell the operator of this worker.' });
  }
  if (error instanceof ProtocolError) return ofProtocol(error);
  if (error instanceof HTTPException && error.status < 500) return ofHttp(error);
  console.error(error);
  if (error instanceof Error && UNMIGRATED.test(error.message)) {
    const detail = 'The worker is not set up well: its index lacks a table or column.';
    const next = 'Tell the operator of this worker: npx wrangler d1 migrations apply INDEX, with --local or --remote.';
    return new Problem(500, { code: 'WORKER_SETTING', detail, next });
  }
  const next = 'Try again; if it happens again, tell the operator of this worker.';
  return new Problem(500, { code: 'INTERNAL', detail: 'The worker made a mistake.', next });
}

/** No such thing here. */
export function notFound(detail: string, next: string): Problem {
  return new Problem(404, { code: 'NOT_FOUND', detail, next });
}

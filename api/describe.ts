/** Parts of route declarations, as OpenAPI has them. */
import type { z } from 'zod';

import { problem } from './answers.ts';

export interface Media {
  readonly schema: z.ZodType | { readonly type: 'string'; readonly format?: 'binary' };
}

export interface Reply {
  readonly description: string;
  readonly content?: Readonly<Record<string, Media>>;
}

/** A route: what it takes and every answer that it gives. `worker/` serves it, `api/client.ts` asks it. */
export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With {names} for the parameters. */
  readonly path: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly request?: {
    readonly params?: z.ZodObject;
    readonly query?: z.ZodObject;
    readonly body?: { readonly required: true; readonly content: Readonly<Record<string, Media>> };
  };
  readonly responses: Readonly<Record<number, Reply>>;
}

/** An answer in JSON. */
export const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A body in JSON. */
export const jsonBody = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { 'application/json': { schema } },
});

const BINARY = { type: 'string', format: 'binary' } as const;

/** A body of plain bytes. */
export const BYTES_BODY = { required: true, content: { 'application/octet-stream': { schema: BINARY } } } as const;

/** An answer of plain bytes. */
export const bytesReply = (description: string) => ({
  description,
  content: { 'application/octet-stream': { schema: BINARY } },
});

/** An answer of text. */
export const textReply = (description: string, type: 'text/html' | 'image/svg+xml') => ({
  description,
  content: { [type]: { schema: { type: 'string' } as const } },
});

const MEANING: Readonly<Record<number, string>> = {
  400: 'malformed',
  401: 'a key is missing or not known',
  403: 'the key does not allow it',
  404: 'not stored here',
  408: 'the body came too slowly',
  409: 'another state than the one meant',
  413: 'too large',
  415: 'another media type',
  422: 'well-formed but false, or it costs more than this worker spends',
  429: 'too many requests; Retry-After tells when',
  503: 'busy or not available; Retry-After tells when',
};

/** Refusals of a route, all in the same shape. */
export function problems<S extends number>(...statuses: S[]) {
  const reply = (status: S) => ({
    description: MEANING[status] ?? 'refused',
    content: { 'application/problem+json': { schema: problem } },
  });
  return Object.fromEntries(statuses.map((status) => [status, reply(status)])) as Record<S, ReturnType<typeof reply>>;
}

/** Whoever asks for nothing new. */
export const NOT_MODIFIED = { 304: { description: 'not modified: If-None-Match names the ETag' } } as const;

/** A typed client of the service, from the same declarations that the worker serves. Runs in Node and in browsers. */
import { z } from 'zod';

import * as answers from './answers.ts';
import type { Route } from './describe.ts';
import { printable } from './printable.ts';
import { ROUTES, type RouteName } from './routes.ts';

type Routes = typeof ROUTES;
type Schema<T> = T extends { content: { 'application/json': { schema: infer S extends z.ZodType } } } ? S : never;
type Responses<N extends RouteName> = Routes[N]['responses'];
type Success<N extends RouteName> = {
  [K in keyof Responses<N> & (200 | 201 | 202)]: Schema<Responses<N>[K]>;
}[keyof Responses<N> & (200 | 201 | 202)];

type Part<N extends RouteName, K extends 'params' | 'query'> = Routes[N] extends {
  request: Record<K, infer S extends z.ZodType>;
}
  ? Record<K, z.input<S>>
  : unknown;
type Body<N extends RouteName> = Routes[N] extends { request: { body: { content: infer C } } }
  ? { body: C extends { 'application/json': { schema: infer S extends z.ZodType } } ? z.input<S> : Uint8Array }
  : unknown;

/** What a route takes. */
export type Input<N extends RouteName> = Part<N, 'params'> & Part<N, 'query'> & Body<N>;
/** What a route answers in JSON, a union where it has several successes. */
export type Output<N extends RouteName> = z.output<Success<N>>;
export type Problem = z.output<typeof answers.problem>;
/** Routes that answer in JSON. */
export type JsonRouteName = { [N in RouteName]: [Success<N>] extends [never] ? never : N }[RouteName];

/** What was given is no URL of a service. */
export class ClientUrlError extends Error {
  constructor(url: string) {
    super(`"${url}" is no URL of a verification service`);
    this.name = new.target.name;
  }
}

/** No answer came. */
export class NoAnswerError extends Error {
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`no service answers at ${url}`, { cause });
    this.name = new.target.name;
    this.url = url;
  }
}

/** The service refused the request and said why. */
export class RefusalError extends Error {
  readonly url: string;
  readonly problem: Problem;
  /** Seconds after which to try again, where the service says so. */
  readonly retryAfter: number | null;

  constructor(url: string, problem: Problem, retryAfter: number | null) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = new.target.name;
    this.url = url;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** An answer that is not one of this service's. */
export class AnswerError extends Error {
  readonly url: string;
  readonly reason: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`${url} gave an answer that is not understood: ${printable(reason)}`, options);
    this.name = new.target.name;
    this.url = url;
    this.reason = printable(reason);
  }
}

export interface ClientOptions {
  /** An API key, or the operator's. */
  readonly key?: string | undefined;
  /** Milliseconds that an answer may take. */
  readonly patience?: number;
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

const PATIENCE = 30_000;
/** Longest answer that is read, bytes: whoever answers may be nobody's friend. */
const MAX_ANSWER = 64 * 2 ** 20;

function urlOf(base: string, path: string, { params = {}, query = {} }: Parts): URL {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const url = URL.parse(filled.slice(1), base.endsWith('/') ? base : `${base}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new ClientUrlError(base);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

function requestOf(method: string, { body }: Parts, { key, patience = PATIENCE }: ClientOptions): RequestInit {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  // A key is for the service that was named, and not for wherever that sends on to.
  const redirect = key === undefined ? 'follow' : 'error';
  const init = { method: method.toUpperCase(), headers, redirect, signal: AbortSignal.timeout(patience) } as const;
  if (body === undefined) return init;
  const bytes = body instanceof Uint8Array;
  headers['content-type'] = bytes ? 'application/octet-stream' : 'application/json';
  return { ...init, body: bytes ? Uint8Array.from(body) : JSON.stringify(body) };
}

function parse<T>(url: string, schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text, (_, each: unknown) => (typeof each === 'string' ? printable(each) : each));
  } catch (cause) {
    throw new AnswerError(url, `no JSON begins with "${text.slice(0, 60)}"`, { cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new AnswerError(url, z.prettifyError(result.error), { cause: result.error });
  return result.data;
}

/** @throws AnswerError for an answer that is too long */
async function bodyOf(url: string, { body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  // Not `for await`: not every browser's streams can be iterated.
  const reader = body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
    pieces.push(value);
    length += value.length;
    if (length <= MAX_ANSWER) continue;
    await reader?.cancel();
    throw new AnswerError(url, `it is longer than ${MAX_ANSWER} bytes`);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function send(name: RouteName, base: string, parts: Parts, options: ClientOptions) {
  const { method, path } = ROUTES[name];
  const { href } = urlOf(base, path, parts);
  let response: Response;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    response = await fetch(href, requestOf(method, parts, options));
    bytes = await bodyOf(href, response);
  } catch (cause) {
    if (cause instanceof AnswerError) throw cause;
    throw new NoAnswerError(href, cause);
  }
  if (response.ok) return { href, response, bytes };
  const text = new TextDecoder().decode(bytes);
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json'))
    throw new AnswerError(href, `status ${response.status}: ${text.slice(0, 200)}`);
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  throw new RefusalError(href, parse(href, answers.problem, text), Number.isFinite(retryAfter) ? retryAfter : null);
}

/**
 * Asks a route that answers in JSON; the answer is checked against the route's schema.
 * @param base URL of the service
 * @throws ClientUrlError, NoAnswerError, RefusalError, AnswerError
 */
export async function ask<N extends JsonRouteName>(
  base: string,
  name: N,
  input: Input<N>,
  options: ClientOptions = {},
): Promise<Output<N>> {
  const { href, response, bytes } = await send(name, base, input as Parts, options);
  const responses: Route['responses'] = ROUTES[name].responses;
  const schema = responses[response.status]?.content?.['application/json']?.schema;
  if (!(schema instanceof z.ZodType)) throw new AnswerError(href, `status ${response.status} is none of this route's`);
  return parse(href, schema, new TextDecoder().decode(bytes)) as Output<N>;
}

/** As `ask`, and null where the service has no such thing. */
export async function find<N extends JsonRouteName>(
  base: string,
  name: N,
  input: Input<N>,
  options: ClientOptions = {},
): Promise<Output<N> | null> {
  try {
    return await ask(base, name, input, options);
  } catch (error) {
    if (error instanceof RefusalError && error.problem.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** The bytes of a stored proof, or null; the caller compares their digest. @throws as `ask` */
export async function askBytes(
  base: string,
  input: Input<'proofBytes'>,
  options: ClientOptions = {},
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return (await send('proofBytes', base, input, options)).bytes;
  } catch (error) {
    if (error instanceof RefusalError && error.problem.code === 'NOT_FOUND') return null;
    throw error;
  }
}

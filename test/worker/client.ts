/**
 * Requests to the worker with bindings of the test's choice. Every answer is compared with what `api/` declares of its
 * route: status, media type, and a body without a member that is not declared.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { z } from 'zod';

import { problem } from '../../api/answers.ts';
import type { Route } from '../../api/describe.ts';
import { PROBLEM_CODES } from '../../api/problem-codes.ts';
import { ROUTES } from '../../api/routes.ts';
import { app } from '../../worker/app.ts';
import type { Env } from '../../worker/env.ts';

/** Keys of the tests' own. */
export const ATTESTER_KEY = `0x${'a7'.repeat(32)}` as const;
export const NEXT_KEY = `0x${'b8'.repeat(32)}` as const;

/** Bindings without any secret. */
export const withoutKey: Env = { ...env, ATTESTER_KEY: '' };
/** Bindings with the attesting key. */
export const withKey: Env = { ...env, ATTESTER_KEY };

export type ProblemBody = z.output<typeof problem>;

/** Answers that any route may give. */
const ANYWHERE = [405, 429, 500];

const matches = (path: string, { path: declared }: Route): boolean =>
  new RegExp(`^${declared.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);

/** The declared route of a request; a path without parameters goes first. */
export function routeOf(method: string, path: string): Route | undefined {
  const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
  const found = (Object.values(ROUTES) as Route[]).filter((route) => route.method === asked && matches(path, route));
  return found.find((route) => !route.path.includes('{')) ?? found[0];
}

/** The problem in a response, which must be one that is listed. */
export async function problemIn(response: Response): Promise<ProblemBody> {
  const text = await response.text();
  if (response.headers.get('content-type') !== 'application/problem+json')
    throw new Error(`${response.status} ${text.slice(0, 500)} is no problem`);
  const body = problem.parse(JSON.parse(text));
  expect(body).toEqual(JSON.parse(text));
  expect(body.status).toBe(response.status);
  expect(body.type).toBe(`urn:zklora:problem:${body.code}`);
  expect(Object.keys(PROBLEM_CODES)).toContain(body.code);
  expect(body.next).not.toBe('');
  expect(body.detail).not.toBe('');
  expect(response.headers.get('cache-control')).toBe('no-store');
  return body;
}

/** Compares an answer with the declaration of its route. */
async function requireDeclared(method: string, path: string, response: Response): Promise<void> {
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const route = routeOf(method, path);
  const { status } = response;
  if (method === 'HEAD' || method === 'OPTIONS') return;
  if (route === undefined || ANYWHERE.includes(status)) return void (await problemIn(response));
  const reply = route.responses[status];
  if (reply === undefined) throw new Error(`${method} ${path} answers ${status}, which its route does not declare`);
  const [type, media] = Object.entries(reply.content ?? {})[0] ?? [];
  if (type === undefined) return void expect(await response.text()).toBe('');
  if (type === 'application/problem+json') return void (await problemIn(response));
  expect(response.headers.get('content-type')?.split(';')[0]).toBe(type);
  if (!(media.schema instanceof z.ZodType)) return void (await response.body?.cancel());
  const body = await response.json();
  expect(media.schema.parse(body)).toEqual(body);
}

let asked = 0;

/** An address that nobody has asked from, so that requests of different tests count apart. */
export function newAddress(): string {
  asked++;
  return `10.${asked >> 16}.${(asked >> 8) & 255}.${asked & 255}`;
}

/** Asks the worker, from a new address unless the headers name one; the answer is as declared. */
export async function ask(path: string, init: RequestInit = {}, bindings: Env = withKey): Promise<Response> {
  const context = createExecutionContext();
  const headers = new Headers(init.headers);
  if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', newAddress());
  const response = await app.request(`http://worker.test${path}`, { ...init, headers }, bindings, context);
  await waitOnExecutionContext(context);
  await requireDeclared(init.method ?? 'GET', path.split('?')[0], response.clone());
  return response;
}

export const get = (path: string, bindings: Env = withKey, init: RequestInit = {}): Promise<Response> =>
  ask(path, init, bindings);

/** Sends a JSON body. */
export function sendJson(path: string, body: unknown, bindings: Env = withKey, method = 'POST'): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return ask(path, { method, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }, bindings);
}

/** The body of a successful read. */
export async function json<T = Record<string, unknown>>(path: string, bindings: Env = withKey): Promise<T> {
  const response = await get(path, bindings);
  expect(response.status).toBe(200);
  return response.json<T>();
}

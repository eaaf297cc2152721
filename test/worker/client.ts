/** Requests to the worker with bindings of the test's choice. */
import { env } from 'cloudflare:workers';

import app from '../../worker/index.ts';
import type { Env } from '../../worker/env.ts';

/** A key of the tests' own. */
export const ATTESTER_KEY = `0x${'a7'.repeat(32)}` as const;

/** Bindings with the attesting key. */
export const withKey: Env = { PROOFS: env.PROOFS, ATTESTER_KEY };
/** Bindings without any setting. */
export const withoutKey: Env = { PROOFS: env.PROOFS };

export async function get(path: string, bindings: Env = withKey, init: RequestInit = {}): Promise<Response> {
  return app.request(`http://worker.test${path}`, init, bindings);
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly check: string | null;
  readonly next: string;
  readonly evidence?: Record<string, unknown>;
}

/** The problem in a response, which must be one. */
export async function problemIn(response: Response): Promise<ProblemBody> {
  if (response.headers.get('content-type') !== 'application/problem+json')
    throw new Error(`${response.status} ${await response.text()} is no problem`);
  const body = await response.json<ProblemBody>();
  if (body.status !== response.status) throw new Error(`status ${body.status} in a response of ${response.status}`);
  if (body.type !== `urn:zklora:problem:${body.code}` || body.next === '' || body.detail === '')
    throw new Error(`incomplete problem ${JSON.stringify(body)}`);
  return body;
}

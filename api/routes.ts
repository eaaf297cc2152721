/**
 * Every route of the service, declared once: the worker serves these (and /openapi.json tells them), the client of
 * `client.ts` asks them.
 */
import { z } from 'zod';

import * as answers from './answers.ts';
import { BYTES_BODY, NOT_MODIFIED, bytesReply, json, jsonBody, problems, textReply, type Route } from './describe.ts';
import { OPERATION_ROUTES } from './operation-routes.ts';
import { digest } from './values.ts';

const sha256 = z.object({ sha256: digest.meta({ description: 'SHA-256 of the proof' }) });
/** Answers tell it without 0x. */
export const adapterId = z
  .string()
  .regex(/^(0x)?[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits, with or without 0x')
  .transform((id) => id.slice(-64))
  .meta({
    description:
      'adapter root, SHA-256 of the adapter file, SHA-256 of its tensors (of the file as safetensors writes it without metadata), or id of a registry’s record',
    example: 'a7'.repeat(32),
  });

/** Most ids of one POST /adapters/lookup. */
export const MAX_LOOKUP = 100;

const READ_ROUTES = {
  proof: {
    method: 'get',
    path: '/proofs/{sha256}',
    tags: ['read'],
    summary: 'The record of a proof',
    request: { params: sha256 },
    responses: {
      200: json('what was verified, when, by which verifier', answers.proof),
      ...NOT_MODIFIED,
      ...problems(400, 404),
    },
  },
  proofBytes: {
    method: 'get',
    path: '/proofs/{sha256}/raw',
    tags: ['read'],
    summary: 'The bytes of a proof, for ever the same',
    request: { params: sha256 },
    responses: { 200: bytesReply('the proof'), ...NOT_MODIFIED, ...problems(400, 404) },
  },
  run: {
    method: 'get',
    path: '/runs/{id}',
    tags: ['read'],
    summary: 'Segments of a run, whether they chain, its losses and its final adapter',
    request: { params: z.object({ id: digest.meta({ description: 'run id' }) }) },
    responses: { 200: json('the run', answers.run), ...NOT_MODIFIED, ...problems(400, 404, 503) },
  },
  adapter: {
    method: 'get',
    path: '/adapters/{id}',
    tags: ['read'],
    summary: 'Four answers about an adapter, with their evidence',
    request: { params: z.object({ id: adapterId }) },
    responses: { 200: json('the adapter', answers.adapter), ...NOT_MODIFIED, ...problems(400, 404, 503) },
  },
  lookup: {
    method: 'post',
    path: '/adapters/lookup',
    tags: ['read'],
    summary: 'The status of up to 100 adapters',
    request: {
      body: jsonBody(z.strictObject({ ids: z.array(adapterId).min(1).max(MAX_LOOKUP) }).meta({ id: 'LookupRequest' })),
    },
    responses: { 200: json('in the order of the request', answers.lookup), ...problems(400, 413, 415, 429) },
  },
  badge: {
    method: 'get',
    path: '/badge/{id}.svg',
    tags: ['read'],
    summary: 'A badge: verified, anchored, revoked or unknown',
    request: { params: z.object({ id: adapterId }) },
    responses: { 200: textReply('the badge', 'image/svg+xml'), ...NOT_MODIFIED, ...problems(400, 404) },
  },
  verifiers: {
    method: 'get',
    path: '/verifiers',
    tags: ['read'],
    summary: 'Verifier versions, withdrawn ones among them, and the attesting keys with their validity',
    responses: { 200: json('verifiers and keys', answers.verifiers), ...NOT_MODIFIED },
  },
  page: {
    method: 'get',
    path: '/',
    tags: ['pages'],
    summary: 'The page for people: look an adapter, run or proof up, verify it in the browser',
    request: {
      query: z.object({
        q: z.string().optional().meta({ description: 'a digest, a root or the id of a record: 64 hexadecimal digits' }),
      }),
    },
    responses: {
      200: textReply('the page', 'text/html'),
      ...NOT_MODIFIED,
      400: textReply('what was looked up is no id', 'text/html'),
      404: textReply('nothing is known of what was looked up', 'text/html'),
      500: textReply('the service made a mistake', 'text/html'),
      503: textReply('busy, or more is stored than one answer tells', 'text/html'),
    },
  },
  openapi: {
    method: 'get',
    path: '/openapi.json',
    tags: ['pages'],
    summary: 'This description, OpenAPI 3.1',
    responses: { 200: json('the document', z.looseObject({ openapi: z.literal('3.1.0') })), ...NOT_MODIFIED },
  },
  docs: {
    method: 'get',
    path: '/docs',
    tags: ['pages'],
    summary: 'This description as a page to read and try',
    responses: { 200: textReply('the page', 'text/html'), ...NOT_MODIFIED },
  },
  health: {
    method: 'get',
    path: '/healthz',
    tags: ['read'],
    summary: 'Whether the worker answers',
    responses: { 200: json('it does', answers.health) },
  },
} as const satisfies Record<string, Route>;

const WRITE_ROUTES = {
  verify: {
    method: 'post',
    path: '/verify',
    tags: ['write'],
    summary: 'Verify one segment proof and store it',
    description:
      'The body is the proof file. A proof that was verified before is answered from the store. What does not fit one request is answered 202 with the Location of a job.',
    security: [{}, { apiKey: [] }],
    request: { body: BYTES_BODY },
    responses: {
      200: json('the proof holds', answers.submission),
      202: json('it is being verified; Location is its job', answers.job),
      ...problems(400, 401, 408, 413, 415, 422, 429, 503),
    },
  },
  job: {
    method: 'get',
    path: '/jobs/{id}',
    tags: ['write'],
    summary: 'How far a verification is that did not fit one request',
    request: { params: z.object({ id: z.string().regex(/^[0-9a-z-]{1,100}$/) }) },
    responses: { 200: json('the job', answers.job), ...problems(400, 404) },
  },
  showFile: {
    method: 'post',
    path: '/runs/{id}/files',
    tags: ['write'],
    summary: 'Show an adapter file, so that it is found by its SHA-256',
    description:
      'The body is adapter_model.safetensors. The worker recomputes the adapter root from it and indexes the file only where a stored proof of this run ends at that root. The file itself is not kept.',
    security: [{}, { apiKey: [] }],
    request: { params: z.object({ id: digest.meta({ description: 'run id' }) }), body: BYTES_BODY },
    responses: {
      200: json('the file is that adapter', answers.shownFile),
      ...problems(400, 401, 404, 408, 409, 413, 415, 422, 429, 503),
    },
  },
} as const satisfies Record<string, Route>;

export const ROUTES = { ...WRITE_ROUTES, ...READ_ROUTES, ...OPERATION_ROUTES } as const;

export type RouteName = keyof typeof ROUTES;

/** Routes for the operator of the service (secret OPERATOR_KEY) and for holders of API keys. */
import { z } from 'zod';

import { json, jsonBody, problems, type Route } from './describe.ts';
import * as operation from './operation.ts';
import { attesterKey, verifiers } from './answers.ts';
import { digest } from './values.ts';

const id = z.object({ id: z.string().regex(/^[0-9a-z]{1,40}$/) });
const operator = [{ operatorKey: [] }] as const;
const apiKey = [{ apiKey: [] }] as const;

export const OPERATION_ROUTES = {
  keys: {
    method: 'get',
    path: '/operator/keys',
    tags: ['operator'],
    summary: 'API keys, without what is secret',
    security: operator,
    responses: { 200: json('all keys', operation.keys), ...problems(401) },
  },
  createKey: {
    method: 'post',
    path: '/operator/keys',
    tags: ['operator'],
    summary: 'Create an API key; it is told this once',
    security: operator,
    request: { body: jsonBody(operation.newKey) },
    responses: { 201: json('the key', operation.createdKey), ...problems(400, 401, 413, 415) },
  },
  revokeKey: {
    method: 'delete',
    path: '/operator/keys/{id}',
    tags: ['operator'],
    summary: 'Revoke an API key, and remove its webhooks',
    security: operator,
    request: { params: id },
    responses: { 200: json('the key', operation.key), ...problems(400, 401, 404) },
  },
  withdrawVerifier: {
    method: 'put',
    path: '/operator/verifiers/{digest}/withdrawal',
    tags: ['operator'],
    summary: 'Mark a verifier version as withdrawn; it cannot be undone',
    security: operator,
    request: { params: z.object({ digest }), body: jsonBody(operation.newWithdrawal) },
    responses: { 200: json('the verifiers', verifiers), ...problems(400, 401, 404, 409, 413, 415) },
  },
  announceAttester: {
    method: 'put',
    path: '/operator/attesters',
    tags: ['operator'],
    summary: 'Tell from when until when a key attests',
    security: operator,
    request: { body: jsonBody(operation.attesterWindow) },
    responses: { 200: json('the key', attesterKey), ...problems(400, 401, 409, 413, 415) },
  },
  rebuildIndex: {
    method: 'post',
    path: '/operator/index',
    tags: ['operator'],
    summary: 'Rebuild the index from R2, a page at a time; `mode=check` compares alone',
    security: operator,
    request: {
      query: z.object({ mode: z.enum(['mend', 'check']).default('mend'), cursor: z.string().max(2000).optional() }),
    },
    responses: { 200: json('what the page came to', operation.indexPage), ...problems(400, 401) },
  },
  webhooks: {
    method: 'get',
    path: '/webhooks',
    tags: ['webhooks'],
    summary: 'Webhooks of this API key',
    security: apiKey,
    responses: { 200: json('its webhooks', operation.webhooks), ...problems(401) },
  },
  createWebhook: {
    method: 'post',
    path: '/webhooks',
    tags: ['webhooks'],
    summary: 'Be told of complete runs, anchored and revoked adapters, and withdrawn verifiers',
    description:
      'Standard Webhooks: HMAC-SHA256 over id.timestamp.body, header webhook-signature. Deliveries are retried for about a day, and may come twice: webhook-id tells.',
    security: apiKey,
    request: { body: jsonBody(operation.newWebhook) },
    responses: { 201: json('the webhook', operation.createdWebhook), ...problems(400, 401, 409, 413, 415, 429, 503) },
  },
  removeWebhook: {
    method: 'delete',
    path: '/webhooks/{id}',
    tags: ['webhooks'],
    summary: 'Remove a webhook of this API key',
    security: apiKey,
    request: { params: id },
    responses: { 200: json('the webhook', operation.webhook), ...problems(400, 401, 404) },
  },
} as const satisfies Record<string, Route>;

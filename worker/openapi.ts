/** The OpenAPI 3.1 document, from the declarations in `api/`. */
import type { OpenAPIHono } from '@hono/zod-openapi';

import { PROBLEM_CODES } from '../api/problem-codes.ts';
import type { AppTypes } from './env.ts';

export const TITLE = 'zkLoRA verification service';
/** Of the routes; it changes with every change that a client can notice. */
export const API_VERSION = '1.0.0';

export const SUMMARY =
  'Verifies proofs that a LoRA adapter came out of a declared fine-tuning run, stores and attests them, and tells what is known of runs and adapters.';

const DESCRIPTION = `${SUMMARY}

Refusals are RFC 9457 problems (\`application/problem+json\`) with a stable \`code\` (the schema of a Problem lists all),
the \`check\` that refused and what to do \`next\`. Reads are public, take \`If-None-Match\`, and are open to pages of other
origins; writes are not.`;

/** Every code with its meaning, in Markdown. */
const CODES = ['stable, one of:', ...Object.entries(PROBLEM_CODES).map(([code, text]) => `- \`${code}\`: ${text}`)];

const TAGS = [
  { name: 'write', description: 'submit proofs, show adapter files' },
  { name: 'read', description: 'what is known of proofs, runs and adapters' },
  { name: 'webhooks', description: 'be told of events; needs an API key' },
  { name: 'operator', description: 'for the operator of the service' },
  { name: 'pages', description: 'for people, and this description' },
];

const ANY_REFUSAL = {
  description:
    'any other refusal: 405 for another method, 429 after many requests with a wrong key, 500 where the worker made a mistake',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

type Document = ReturnType<OpenAPIHono<AppTypes>['getOpenAPI31Document']>;

function registerSecurity(app: OpenAPIHono<AppTypes>): void {
  const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;
  const register = app.openAPIRegistry.registerComponent.bind(app.openAPIRegistry, 'securitySchemes');
  register('apiKey', bearer('an API key, zkl_…, that the operator created'));
  register('operatorKey', bearer('the secret OPERATOR_KEY of this worker'));
}

function documentOf(app: OpenAPIHono<AppTypes>): Document {
  registerSecurity(app);
  const info = {
    title: TITLE,
    version: API_VERSION,
    description: DESCRIPTION,
    license: { name: 'MIT', identifier: 'MIT' },
  };
  const document = app.getOpenAPI31Document({ openapi: '3.1.0', info, tags: TAGS });
  for (const path of Object.values(document.paths ?? {}))
    for (const method of ['get', 'post', 'put', 'delete'] as const) {
      const responses = path[method]?.responses as Record<string, unknown> | undefined;
      if (responses !== undefined) responses['default'] = ANY_REFUSAL;
    }
  const problem = document.components?.schemas?.['Problem'] as { properties: { code: { description: string } } };
  problem.properties.code.description = CODES.join('\n');
  return Object.assign(document, { 'x-problem-codes': PROBLEM_CODES });
}

const documents = new WeakMap<OpenAPIHono<AppTypes>, Document>();

/**
 * The document of an app's routes.
 * @param origin of the server, as the reader knows it
 */
export function openApi(app: OpenAPIHono<AppTypes>, origin: string): Document {
  let document = documents.get(app);
  if (document === undefined) documents.set(app, (document = documentOf(app)));
  return { ...document, servers: [{ url: origin }] };
}

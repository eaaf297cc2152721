import { describe, expect, test } from 'vitest';

import type { Route } from '../../api/describe.ts';
import { PROBLEM_CODES } from '../../api/problem-codes.ts';
import { ROUTES } from '../../api/routes.ts';
import { app } from '../../worker/app.ts';
import { get, json } from './client.ts';

interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: object; security?: unknown }>>>
  >;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
  readonly 'x-problem-codes': Readonly<Record<string, string>>;
}

const document = await json<Document>('/openapi.json');
const routes = Object.values(ROUTES) as Route[];
/** A path as Hono has it. */
const served = (path: string): string =>
  path === '/badge/{id}.svg' ? '/badge/:file{[^/]+\\.svg}' : path.replace(/\{(\w+)\}/g, ':$1');

describe('what is declared and what is served are the same', () => {
  test.each(routes.map(({ method, path }) => [method.toUpperCase(), path]))('%s %s is served', (method, path) => {
    expect(app.routes.some((route) => route.method === method && route.path === served(path))).toBe(true);
    expect(document.paths[path][method.toLowerCase()]).toBeDefined();
  });

  test('nothing else is served', () => {
    const declared = new Set(routes.map(({ method, path }) => `${method.toUpperCase()} ${served(path)}`));
    const others = app.routes.filter(({ method, path }) => method !== 'ALL' && !declared.has(`${method} ${path}`));
    expect(others).toEqual([]);
    const told = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((m) => `${m} ${path}`));
    expect(told.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
  });
});

describe('the document', () => {
  test('is OpenAPI 3.1 of this very server', async () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: 'http://worker.test' }]);
    const elsewhere = await app.request('https://verify.example/openapi.json');
    expect((await elsewhere.json<Document>()).servers).toEqual([{ url: 'https://verify.example' }]);
  });

  test('names the keys that routes need', () => {
    const scheme = { type: 'http', scheme: 'bearer' };
    expect(document.components.securitySchemes).toMatchObject({ apiKey: scheme, operatorKey: scheme });
    for (const { path, method, security } of routes) expect(document.paths[path][method].security).toEqual(security);
  });

  test('lists every code of a problem with its meaning', () => {
    expect(document['x-problem-codes']).toEqual(PROBLEM_CODES);
    const { description } = document.components.schemas.Problem.properties!.code;
    for (const [code, text] of Object.entries(PROBLEM_CODES)) expect(description).toContain(`- \`${code}\`: ${text}`);
  });

  test('every reference leads somewhere', () => {
    const names = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of names) expect(Object.keys(document.components.schemas)).toContain(name);
  });

  test('what may be null says so', () => {
    const { Proof, RunReport, Segment, Anchor, Problem } = document.components.schemas;
    const mayBeNull = ({ anyOf, type }: Schema): boolean =>
      anyOf?.some((each) => each.type === 'null') === true || type?.includes('null') === true;
    for (const schema of [
      Proof.properties!.withdrawn,
      Proof.properties!.attestation,
      RunReport.properties!.final,
      RunReport.properties!.stop,
      Segment.properties!.adapterIn,
      Problem.properties!.check,
    ])
      expect(mayBeNull(schema)).toBe(true);
    expect(Anchor === undefined || mayBeNull(Anchor.properties!.successor)).toBe(true);
    expect(mayBeNull(Proof.properties!.statementHash)).toBe(false);
  });

  test('every route may refuse', () => {
    for (const { path, method } of routes)
      expect(document.paths[path][method].responses).toMatchObject({
        default: { content: { 'application/problem+json': {} } },
      });
  });
});

describe('/docs', () => {
  test('loads nothing from elsewhere, and runs no script but its own', async () => {
    const response = await get('/docs');
    const page = await response.text();
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    const [, script] = /<script>([^<]+)<\/script>/.exec(page)!;
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script)));
    expect(policy).toContain(`'sha256-${btoa(String.fromCharCode(...digest))}'`);
    expect(page.match(/<script/g)).toHaveLength(2);
  });

  test('lists routes and codes for whoever runs no scripts', async () => {
    const page = await (await get('/docs')).text();
    const plain = /<noscript>([\s\S]*)<\/noscript>/.exec(page)![1];
    for (const { method, path } of routes) expect(plain).toContain(`${method.toUpperCase()} ${path}`);
    for (const code of Object.keys(PROBLEM_CODES)) expect(page).toContain(`<code>${code}</code>`);
  });
});

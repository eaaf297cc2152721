/** What every request passes first: is there such a path, does it take this method and such a body, who may read it. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';

import type { Route } from '../api/describe.ts';
import { ROUTES } from '../api/routes.ts';
import type { AppTypes } from './env.ts';
import { notFound, Problem } from './problems.ts';

/** Bytes of a body in JSON; a hundred ids are about 7,000. */
const MAX_JSON_BYTES = 65_536;

/** A declared path and its routes by method. */
interface Place {
  readonly pattern: RegExp;
  readonly routes: ReadonlyMap<string, Route>;
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);

/** Paths without parameters come first: /adapters/lookup is not /adapters/{id}. */
const PLACES: readonly Place[] = [...Map.groupBy(Object.values(ROUTES) as Route[], ({ path }) => path)]
  .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
  .map(([path, routes]) => ({
    pattern: patternOf(path),
    routes: new Map(routes.map((route) => [route.method.toUpperCase(), route])),
  }));

const placeOf = (path: string): Place | undefined => PLACES.find(({ pattern }) => pattern.test(path));

const withHead = (methods: Iterable<string>): string[] =>
  [...methods].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));

/** Whoever builds a page on this service reads from a browser; what takes a key or changes anything is not offered. */
const offered = ({ routes }: Place): string[] =>
  withHead([...routes].filter(([, route]) => route.security === undefined).map(([method]) => method));

const allowOf = ({ routes }: Place): string => [...withHead(routes.keys()), 'OPTIONS'].join(', ');

const readable = cors({
  origin: '*',
  allowMethods: (_, c) => offered(placeOf(c.req.path)!),
  allowHeaders: ['content-type', 'if-none-match'],
  exposeHeaders: ['etag', 'location', 'retry-after'],
  maxAge: 86_400,
});

function requireJson(c: Context<AppTypes>): void {
  const type = c.req.header('content-type') ?? '';
  if (/^application\/json\s*(;|$)/i.test(type)) return;
  throw new Problem(415, {
    code: 'MEDIA_TYPE',
    detail: type === '' ? 'The request has no Content-Type.' : `The Content-Type is ${type.slice(0, 80)}.`,
    next: 'Send JSON, with Content-Type: application/json.',
    headers: { accept: 'application/json' },
  });
}

const boundedJson = bodyLimit({
  maxSize: MAX_JSON_BYTES,
  onError: () => {
    throw new Problem(413, {
      code: 'BODY_TOO_LARGE',
      detail: `The body has more than ${MAX_JSON_BYTES} bytes.`,
      next: 'Send fewer or shorter values at a time.',
      evidence: { limit: MAX_JSON_BYTES },
    });
  },
});

function wrongMethod(method: string, place: Place): Problem {
  const allow = allowOf(place);
  return new Problem(405, {
    code: 'METHOD',
    detail: `This path takes ${allow}, not ${method.slice(0, 20)}.`,
    next: 'GET /docs tells what each route takes.',
    headers: { allow },
  });
}

/** Runs before every route. @throws Problem 404, 405, 413, 415 */
export const gate: MiddlewareHandler<AppTypes> = async (c, next) => {
  const { method, path } = c.req;
  const place = placeOf(path);
  if (place === undefined) {
    c.res.headers.set('access-control-allow-origin', '*');
    throw notFound(`There is nothing at ${method.slice(0, 20)} ${path.slice(0, 200)}.`, 'GET /docs lists the routes.');
  }
  if (method === 'OPTIONS') {
    c.header('allow', allowOf(place));
    return offered(place).length === 0 ? c.body(null, 204) : readable(c, next);
  }
  const route = place.routes.get(method === 'HEAD' ? 'GET' : method);
  const proceed = async (): Promise<void> => {
    if (route === undefined) throw wrongMethod(method, place);
    if (route.request?.body?.content['application/json'] === undefined) return next();
    requireJson(c);
    await boundedJson(c, next);
  };
  const open = route === undefined ? offered(place).length > 0 : route.security === undefined;
  return open ? readable(c, proceed) : proceed();
};

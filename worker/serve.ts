/** How the routes that `api/` declares are served. */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi';

import { ROUTES, type RouteName } from '../api/routes.ts';
import type { AppTypes } from './env.ts';
import { invalid } from './problems.ts';

type Declaration<N extends RouteName> = Omit<(typeof ROUTES)[N], 'tags' | 'security'> & {
  tags: string[];
  security?: Record<string, string[]>[];
};

/**
 * A declared route, for `routes().openapi(declared('run'), handler)`: the handler gets checked parameters and body by
 * `c.req.valid`, and its answers are typed by the declaration.
 */
export const declared = <N extends RouteName>(name: N) => createRoute(ROUTES[name] as unknown as Declaration<N>);

/** A set of routes, for `app.route('/', …)`; what the declaration refuses becomes a problem. */
export const routes = (): OpenAPIHono<AppTypes> =>
  new OpenAPIHono<AppTypes>({
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.target, result.error.issues);
    },
  });

/** Strong ETags over bodies, and for how long an answer may be kept. */
import { etag, RETAINED_304_HEADERS } from 'hono/etag';

/** Seconds that an answer may be kept without asking again. */
export const FRESH = {
  /** What changes when somebody submits, anchors or revokes. */
  state: 'public, max-age=15',
  /** A badge: as short as the proxies of code hosts respect. */
  badge: 'public, max-age=60',
  /** What changes with keys and versions. */
  slow: 'public, max-age=60',
  /** What changes with deployments alone. */
  deployed: 'public, max-age=300',
  /** The bytes under their own digest. */
  forever: 'public, max-age=31536000, immutable',
} as const;

/** Gives each successful answer of a read a SHA-256 of its body as ETag, and 304 to whoever has it. */
export const tagged = etag({
  generateDigest: (body) => crypto.subtle.digest('SHA-256', body),
  // A browser checks these on a 304 too.
  retainedHeaders: [
    ...RETAINED_304_HEADERS,
    'access-control-allow-origin',
    'access-control-expose-headers',
    'content-security-policy',
    'x-content-type-options',
  ],
});

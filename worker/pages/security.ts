/** What a browser may do with the pages: load from this service alone, run no code and no styles from the HTML itself. */

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  // Strings become scripts through one policy alone, which knows one script: site/checking.ts.
  "require-trusted-types-for 'script'",
  'trusted-types zklora',
].join('; ');

/** Headers of every page. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // An answer can change with the next proof; browsers keep none without asking again.
  'cache-control': 'no-cache',
  // RFC 8631: where machines find what this service answers.
  link: '</openapi.json>; rel="service-desc", </docs>; rel="service-doc"',
};

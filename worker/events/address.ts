/**
 * Where a webhook may point.
 *
 * The rules read the URL as `fetch` does, after the parser of the URL standard has undone every other spelling: an IPv4
 * address in decimal, octal or hexadecimal, with parts left out or in full-width digits is four decimal numbers by
 * then, and an IPv6 address stands in brackets. Bare addresses are refused altogether, so that none has to be told
 * from another; a subscriber has a name anyway, since its certificate has one.
 *
 * A name tells nothing of the address behind it, and that may change between a check and a request (DNS rebinding), so
 * no look-up of ours would help. What keeps a name from leading inside is where requests leave from. On Cloudflare that
 * is its edge, which is in no private network of the operator's; `global_fetch_strictly_public` (`wrangler.toml`) sends
 * a request for one of the operator's own hosts by the front door like anybody's, instead of to the origin behind it. A
 * workerd of one's own connects to public addresses alone, by address after resolution, unless its configuration allows
 * `private`. `wrangler dev` does allow it: that is for development, on a machine whose owner creates the keys.
 */

/** A URL that no webhook may have. */
export class WebhookUrlError extends Error {
  /** What is wrong, as the end of a sentence about the URL. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the URL of the webhook ${reason}`);
    this.name = new.target.name;
    this.reason = reason;
  }
}

/** Judges a URL: returns it parsed, or throws `WebhookUrlError`. */
export type UrlPolicy = (url: string) => URL;

const MAX_URL = 2_000;
/** Of https and its usual second; other ports may speak other protocols. The parser drops 443. */
const PORTS: readonly string[] = ['', '8443'];
/** Names that lead to nobody, or to somebody near (RFC 2606, 6761, 6762, 7686, 8375, 9476, ICANN's `internal`). */
const LOCAL_NAMES = [
  ...['localhost', 'localdomain', 'local', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'home.arpa'],
  ...['test', 'example', 'invalid', 'onion', 'alt', 'arpa'],
];

/**
 * The rules for webhooks: https, a public-looking name, port 443 or 8443, no credentials.
 * @returns the URL without its fragment, which is never sent
 * @throws WebhookUrlError
 */
export const publicHttps: UrlPolicy = (text) => {
  const url = text.length > MAX_URL ? null : URL.parse(text);
  if (url === null) throw new WebhookUrlError(`is none, or longer than ${MAX_URL} characters`);
  if (url.protocol !== 'https:') throw new WebhookUrlError('does not begin with https:');
  if (url.username !== '' || url.password !== '') throw new WebhookUrlError('carries credentials');
  if (!PORTS.includes(url.port)) throw new WebhookUrlError(`has port ${url.port}; 443 and 8443 are allowed`);
  const host = url.hostname.replace(/\.$/, '');
  if (host.startsWith('[') || /^[0-9.]+$/.test(host)) throw new WebhookUrlError('has an address in place of a name');
  if (!/^[^.]+(\.[^.]+)+$/.test(host) || LOCAL_NAMES.some((name) => host === name || host.endsWith(`.${name}`)))
    throw new WebhookUrlError('has a name that is not public');
  url.hash = '';
  return url;
};

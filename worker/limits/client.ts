/** Whom a request counts against. */
import type { Context } from 'hono';

import type { AppTypes } from '../env.ts';
import type { ApiKey } from '../store/keys.ts';

export interface Client {
  /** `key:…` or `net:…`; the same for all requests of one key, or of one network without a key. */
  readonly name: string;
  /** Whether it has an API key. */
  readonly keyed: boolean;
}

/** Of requests without an address. They share it, so that leaving the address out gains nothing. */
const NOWHERE = 'nowhere';

/** The eight groups of an IPv6 address, as `URL` writes it, in hexadecimal. */
function groupsOf(address: string): string[] {
  const [front, back] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  if (back === undefined) return front;
  return [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
}

/** The IPv4 address that two groups hold. */
const dotted = (high: string, low: string): string =>
  [high, low].flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]).join('.');

/**
 * The network of an address: an IPv4 address itself, of IPv6 the first 64 bits, since whoever has one address there has
 * all. What is no address is its own network, cut to a bounded length.
 */
export function networkOf(address: string): string {
  const text = address.trim().toLowerCase();
  if (!text.includes(':')) return text === '' ? NOWHERE : text.slice(0, 60);
  const url = URL.parse(`http://[${text.split('%')[0]}]/`);
  if (url === null) return text.slice(0, 60);
  const groups = groupsOf(url.hostname.slice(1, -1));
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff') return dotted(groups[6], groups[7]);
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Cloudflare sets CF-Connecting-IP itself; what a client sends under that name never arrives. */
export function clientOf(c: Pick<Context<AppTypes>, 'req'>, key: ApiKey | null): Client {
  if (key !== null) return { name: `key:${key.id}`, keyed: true };
  return { name: `net:${networkOf(c.req.header('cf-connecting-ip') ?? '')}`, keyed: false };
}

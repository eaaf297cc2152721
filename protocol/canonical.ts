/** Canonical JSON: one text for one value, so that hashes and signatures of statements are unambiguous. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Keys sorted by code unit, no white space, integers only (no fractions, no exponents), ASCII strings without escapes.
 * @throws RangeError for what has no canonical form.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0))
      throw new RangeError(`${value} is not an integer of canonical JSON`);
    return String(value);
  }
  if (typeof value === 'string') {
    if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(value))
      throw new RangeError('a string of canonical JSON is plain ASCII');
    return `"${value}"`;
  }
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value as Record<string, Json>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${canonicalJson(k)}:${canonicalJson(v)}`).join(',')}}`;
}

/** Strict checkers of JSON values: every key known, every key there, every value in its range. */
import { canonicalJson, type Json } from './canonical.ts';
import { DecodeError } from './errors.ts';
import { parseDecimal } from './program/numbers.ts';

/** Where a value stands in its document: keys and indices from the outermost value. */
export type Path = readonly (string | number)[];

/** Takes a value as T. @throws SchemaError */
export type Check<T> = (value: unknown, at: Path) => T;

/** A value that its checker refused; `located` makes it a `DecodeError`. */
export class SchemaError extends Error {
  readonly at: Path;

  constructor(at: Path, message: string) {
    super(message);
    this.name = new.target.name;
    this.at = at;
  }
}

/** A value as a short text for messages. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(JSON.stringify(value)).slice(0, 80);
}

/** An integer from min to max. */
export function integer(min: number, max: number): Check<number> {
  return (value, at) => {
    if (!Number.isSafeInteger(value) || Object.is(value, -0) || (value as number) < min || (value as number) > max)
      throw new SchemaError(at, `expected an integer from ${min} to ${max}, found ${shown(value)}`);
    return value as number;
  };
}

/** A power of two from 1 to max. */
export function powerOfTwo(max: number): Check<number> {
  const any = integer(1, max);
  return (value, at) => {
    const n = any(value, at);
    if (!Number.isInteger(Math.log2(n))) throw new SchemaError(at, `expected a power of two, found ${n}`);
    return n;
  };
}

/** A text that matches a pattern; `expected` says which, for the message. */
export function text(pattern: RegExp, expected: string): Check<string> {
  return (value, at) => {
    if (typeof value !== 'string' || !pattern.test(value))
      throw new SchemaError(at, `expected ${expected}, found ${shown(value)}`);
    return value;
  };
}

/** One of some texts. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (value, at) => {
    if (!choices.includes(value as T))
      throw new SchemaError(at, `expected ${choices.join(' or ')}, found ${shown(value)}`);
    return value as T;
  };
}

/** An exact decimal of `parseDecimal` from min to max; with `below`, max itself is refused. */
export function decimal(min: string, max: string, limit: 'upTo' | 'below' = 'upTo'): Check<string> {
  const compare = (a: string, b: string): bigint => {
    const [x, y] = [parseDecimal(a), parseDecimal(b)];
    return x.numerator * y.denominator - y.numerator * x.denominator;
  };
  const expected = `a decimal number from ${min} to ${limit === 'below' ? 'below ' : ''}${max}`;
  return (value, at) => {
    let inRange = false;
    try {
      inRange =
        typeof value === 'string' && compare(value, min) >= 0n && compare(value, max) < (limit === 'below' ? 0n : 1n);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (!inRange) throw new SchemaError(at, `expected ${expected} as a text, found ${shown(value)}`);
    return value as string;
  };
}

/** Null, or what another checker takes. */
export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, at) => (value === null ? null : check(value, at));
}

/** A list of 1 to max values. */
export function list<T>(check: Check<T>, max: number): Check<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length < 1 || value.length > max)
      throw new SchemaError(at, `expected a list of 1 to ${max}, found ${shown(value)}`);
    return value.map((item, i) => check(item, [...at, i]));
  };
}

/** An object with exactly these fields. */
export function object<T>(fields: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> {
  const checks = Object.entries<Check<unknown>>(fields);
  const known = new Set(Object.keys(fields));
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new SchemaError(at, `expected an object, found ${shown(value)}`);
    const extra = Object.keys(value).find((key) => !known.has(key));
    if (extra !== undefined) throw new SchemaError([...at, extra], 'there is no such field');
    const entries = checks.map(([key, check]) => {
      if (!Object.hasOwn(value, key)) throw new SchemaError([...at, key], 'the field is missing');
      return [key, check((value as Record<string, unknown>)[key], [...at, key])];
    });
    return Object.fromEntries(entries) as T;
  };
}

/** Throws `SchemaError` unless `condition` holds. */
export function must(condition: boolean, at: Path, message: string): void {
  if (!condition) throw new SchemaError(at, message);
}

/** Offset of a value, or of where it is missing, in the canonical text of the document. */
function offsetOf(document: Json, path: Path): number {
  if (path.length === 0 || typeof document !== 'object' || document === null) return 0;
  const [key, ...rest] = path;
  const before: Json = Array.isArray(document)
    ? document.slice(0, key as number)
    : Object.fromEntries(Object.entries(document).filter(([k]) => k < String(key)));
  // "[]" or "{}" with the next item in place of the bracket, or with a comma in its place.
  const start = Object.keys(before).length === 0 ? 1 : canonicalJson(before).length;
  const items = document as unknown as Record<string, Json>;
  if (!Object.hasOwn(items, key)) return start;
  const name = Array.isArray(document) ? 0 : canonicalJson(String(key)).length + 1;
  return start + name + offsetOf(items[key], rest);
}

/**
 * Runs a checker; offsets in its errors are those of the document's canonical text.
 * @param name of the document, the first part of the field's path
 * @throws DecodeError with code `${code}_FIELD`
 */
export function located<T>(check: Check<T>, document: unknown, name: string, code: string): T {
  try {
    return check(document, []);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    let offset = 0;
    try {
      offset = offsetOf(document as Json, error.at);
    } catch (cause) {
      // No canonical text exists, so neither does an offset in it.
      if (!(cause instanceof RangeError)) throw cause;
    }
    throw new DecodeError(`${code}_FIELD`, [name, ...error.at].join('.'), offset, error.message);
  }
}

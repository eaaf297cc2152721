/** Misuse of a backend's vectors: a fault of the calling argument, never of a proof's input. */
export type VectorErrorCode = 'RELEASED' | 'FOREIGN' | 'RANGE' | 'SHAPE';

const WHAT: Record<VectorErrorCode, string> = {
  RELEASED: 'The vector was consumed or freed before this use',
  FOREIGN: 'The vector belongs to another backend',
  RANGE: 'An index lies outside the vector',
  SHAPE: 'The vectors of one operation do not fit together',
};

/** Thrown before any element is touched. `length` is the vector's number of elements. */
export class VectorError extends Error {
  readonly code: VectorErrorCode;
  readonly length: number;

  constructor(code: VectorErrorCode, length: number, detail = '') {
    super(`${WHAT[code]} (length ${length})${detail === '' ? '' : `: ${detail}`}.`);
    this.name = 'VectorError';
    this.code = code;
    this.length = length;
  }
}

/** Checks that `length` elements from `start` lie inside a vector. @throws VectorError RANGE */
export function checkRange(v: { readonly length: number }, start: number, length: number): void {
  if (!Number.isInteger(start) || start < 0 || length < 0 || start + length > v.length)
    throw new VectorError('RANGE', v.length, `${length} elements from ${start}`);
}

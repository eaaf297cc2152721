/** Shape checks of the encoding side, the same for every backend; each throws {@link VectorError} before any work. */
import { TWO_ADICITY } from '../../protocol/field.ts';
import type { Cells, ExtVec } from './backend.ts';
import { VectorError } from './vector-error.ts';

/** Number of columns of a stack, ⌈length / 2^logHeight⌉; the last one may be partly filled. */
export function columnCount(cells: Cells, logHeight: number): number {
  if (cells.length === 0) throw new VectorError('SHAPE', 0, 'a stack to commit has at least one cell');
  return Math.ceil(cells.length / 2 ** logHeight);
}

/** Checks that F_p has a subgroup of order 2^(logLength + logInvRate). */
export function checkDomain(v: Cells | ExtVec, logLength: number, logInvRate: number): void {
  if (logLength < 0 || logInvRate < 0 || logLength + logInvRate > TWO_ADICITY)
    throw new VectorError('SHAPE', v.length, `no domain of 2^(${logLength} + ${logInvRate}) points`);
}

/** Checks the shapes of `commitExt`. */
export function checkExtCode(v: ExtVec, logLength: number, logInvRate: number, logFold: number): void {
  checkDomain(v, logLength, logInvRate);
  if (v.length > 2 ** logLength) throw new VectorError('SHAPE', v.length, `more than 2^${logLength} coefficients`);
  if (logFold < 0 || logFold > logLength + logInvRate)
    throw new VectorError(
      'SHAPE',
      v.length,
      `no leaves of 2^${logFold} points in a domain of 2^${logLength + logInvRate}`,
    );
}

/** Checks one coefficient per item of `what`. */
export function checkCount(v: Cells | ExtVec, what: string, items: number, coefficients: number): void {
  if (items !== coefficients)
    throw new VectorError('SHAPE', v.length, `${items} ${what} and ${coefficients} coefficients`);
}

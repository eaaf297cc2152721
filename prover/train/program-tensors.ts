/** Which tensors a program has, and which of them owns each of its cells. */
import type { Operation, Program, Term } from '../../protocol/program/relations.ts';
import type { Cells, Operand, Tensor, TensorPart } from '../../protocol/program/tensors.ts';

/** Where a program's cells stand: `part` of `tensor`. */
export interface CellOwner {
  readonly cells: Cells;
  readonly tensor: Tensor;
  readonly part: TensorPart;
}

/** Every operand of an operation, read or written. */
export function operandsOf(op: Operation): (Operand | Tensor)[] {
  const factors = (terms: readonly Term[]): Operand[] => terms.flatMap((t) => t.factors);
  switch (op.kind) {
    case 'contract': {
      const rests = [op.remainder, op.complement].filter((t) => t !== null);
      return [...factors(op.terms), ...factors(op.plus), op.out, ...rests];
    }
    case 'sqrt':
      return [...factors(op.terms), op.root, op.slack, op.coslack];
    case 'divide':
      return [...factors(op.numerator), ...factors(op.denominator), op.quotient, op.remainder, op.complement];
    case 'softmax': {
      const shifted = op.shifted === null ? [] : [op.shifted];
      return [op.score, ...shifted, op.mu, op.p, op.next, op.under, op.over];
    }
    case 'silu':
      return [op.x, op.value, op.slope];
  }
}

/** Every tensor, public tensor and one-hot tensor that a program names, by name. */
export function tensorsOf(program: Program): Map<string, Operand['tensor']> {
  const found = new Map<string, Operand['tensor']>();
  const add = (operand: Operand | Tensor): void => {
    const tensor = 'uses' in operand ? operand.tensor : operand;
    found.set(tensor.name, tensor);
    if (tensor.kind === 'onehot') found.set(tensor.bits.name, tensor.bits);
  };
  program.operations.forEach((op) => operandsOf(op).forEach(add));
  for (const { terms } of [...program.relations, ...program.ties]) terms.forEach((t) => t.factors.forEach(add));
  return found;
}

/**
 * The owner of every cell that belongs to a tensor, by the cells' name. A tensor that is the sum of others shares their
 * cells; the owner is the one with the fewest parts.
 */
export function cellOwners(program: Program): Map<string, CellOwner> {
  const owners = new Map<string, CellOwner>();
  for (const tensor of tensorsOf(program).values()) {
    if (tensor.kind !== 'tensor') continue;
    for (const part of tensor.parts) {
      const other = owners.get(part.cells.name);
      if (other === undefined || other.tensor.parts.length > tensor.parts.length)
        owners.set(part.cells.name, { cells: part.cells, tensor, part });
    }
  }
  return owners;
}

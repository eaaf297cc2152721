/** Work of the lookup, one-hot and opening arguments, function by function. */
import type { Circuit, Leaf, Table } from '../program/circuit.ts';
import { log2Ceil, type OracleName } from '../program/tensors.ts';
import type { ProofShape } from '../size.ts';
import { tokenVariables } from '../arguments/onehot.ts';
import { presentOracles } from '../arguments/opening.ts';
import type { OneHotShape } from '../arguments/plan-shape.ts';
import type { FunctionalCost } from './functionals.ts';
import { rowsOfTable } from './preparation.ts';
import type { Tally } from './tally.ts';

/** Bits of a table's columns: silu(x) ≤ x and silu'(x) < 2 at scale 2^12; T(1) is little above 2^P. */
function columnBits({ name, bits }: Table): readonly [number, number] {
  if (name === 'silu') return [bits - 1, 13];
  const scale = Number(name.slice(3));
  return [scale + 1, scale + 1];
}

/** The proof's front: the statement, and each root with the digest of the shape that it binds. */
export function rootsCost({ headerBytes, committed }: ProofShape, t: Tally): void {
  t.hash(headerBytes + 80);
  t.add('messages', 4 * committed.length + 2);
  t.add('compressions', 24 * committed.length + 4);
}

export function lookupCost(circuit: Circuit, t: Tally, functionals: FunctionalCost): void {
  const { leafBits } = circuit;
  t.challenges(2);
  t.elements(2);
  t.add('products', 5);
  t.challenges(2 * leafBits);
  t.elements(4 * leafBits);
  t.add('products', 12 * leafBits);
  const rounds = (leafBits * (leafBits - 1)) / 2;
  t.challenges(rounds);
  t.elements(2 * rounds);
  // Each round divides by a coordinate of the point.
  t.add('powers', rounds);
  t.add('products', 5 * rounds);
  for (const leaf of circuit.leaves) leafCost(circuit, leaf, t, functionals);
}

function leafCost(circuit: Circuit, leaf: Leaf, t: Tally, functionals: FunctionalCost): void {
  t.eqRange(circuit.leafBits - leaf.loBits, leaf.blocks);
  t.hold(leaf.blocks);
  t.add('products', 12);
  const points = (lo: readonly unknown[]): 'point'[] => lo.map(() => 'point');
  if (leaf.kind === 'lookup') {
    t.add('products', 3 * leaf.loBits);
    const { key, keyMinus, outputs } = leaf.lookup;
    for (const tensor of [key, ...(keyMinus === null ? [] : [keyMinus]), ...outputs])
      for (const part of tensor.parts) {
        const placement = circuit.placement(part.cells);
        functionals.evaluated(placement, points(placement.lo));
      }
    return;
  }
  if (leaf.kind === 'table') {
    const { bits } = leaf.table;
    for (const column of columnBits(leaf.table)) t.integers(rowsOfTable(leaf.table), column, bits);
  }
  functionals.evaluated(leaf.placement, points(leaf.placement.lo));
}

export function oneHotCost(shape: OneHotShape, t: Tally, functionals: FunctionalCost): void {
  const { claims, tensors, vocabBits } = shape;
  const variables = tokenVariables(tensors[0]);
  t.challenges(1 + tensors.length);
  for (const { bits } of variables) for (let i = 0; i < bits; i++) t.round(vocabBits + 1);
  t.elements(tensors.length * vocabBits);
  for (let i = 0; i < claims; i++) {
    t.add('products', 4 + 2 * vocabBits);
    for (const { axis, bits } of variables) {
      t.eqRange(bits, axis.size);
      t.eqRange(bits, axis.size);
      t.add('products', axis.size + 2 * bits + 1);
    }
  }
  for (const tensor of tensors) {
    t.add('products', 2 * vocabBits);
    functionals.tensor(
      tensor.bits,
      tensor.bits.axes.map((_, i) => (i < tensor.bits.axes.length - 1 ? 'point' : 'vector')),
    );
  }
}

/** Without the functionals' evaluations, which are counted where they are made. @param claims number of claims */
export function openingCost(circuit: Circuit, committed: readonly OracleName[], claims: number, t: Tally): void {
  const oracles = presentOracles(circuit);
  const rounds = Math.max(...oracles.map((o) => circuit.stacks[o].bits));
  t.challenges(1);
  t.add('products', 2 * claims);
  for (let i = 0; i < rounds; i++) t.round(2);
  t.elements(committed.length);
  t.add('products', oracles.length * (2 * log2Ceil(rounds + 1) + 3));
}

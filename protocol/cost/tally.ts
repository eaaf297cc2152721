/**
 * Counts of what a verification does, and what its primitives add to them. Counts are upper bounds; additions and copies are
 * not counted, for they go along with the products.
 */
import type { AxisWeight } from '../program/weights.ts';
import { log2Ceil, type Axis } from '../program/tensors.ts';

/** A verification's work in the units of its primitives. */
export interface Work {
  /** Products in F_p². */
  products: number;
  /** Powers in F_p with exponents of 64 bits; an inverse is one. */
  powers: number;
  /** Compressions of SHA-256, of 64 bytes each. */
  compressions: number;
  /** Messages absorbed or drawn by the transcript, beside their compressions. */
  messages: number;
  /** Words of the proof's opened rows: read, checked, hashed and combined. */
  words: number;
  /** Integers weighed by sums over doubles. */
  integers: number;
  /** Draws of the sampler and of A₀. */
  draws: number;
  /** Cells of the public start, cut from what was drawn. */
  cells: number;
  /** Constants in 128-bit fixed-point arithmetic: rotary angles, entries of tables, optimisers' steps. */
  constants: number;
  /** Rows of lookup tables, laid out. */
  tableRows: number;
  /** Terms of the program's relations. */
  terms: number;
}

export type WorkUnit = keyof Work;

export const noWork = (): Work => ({
  products: 0,
  powers: 0,
  compressions: 0,
  messages: 0,
  words: 0,
  integers: 0,
  draws: 0,
  cells: 0,
  constants: 0,
  tableRows: 0,
  terms: 0,
});

/** How an axis is weighted; see AxisWeight. */
export type WeightKind = AxisWeight['kind'];

/** Bytes of an element of F_p² on the heap: two integers, their pair, the reference to it. */
export const ELEMENT_BYTES = 128;

/** Sums up work and the memory held at a time. */
export class Tally {
  readonly work = noWork();
  /** Bytes that stay until the verification ends. */
  held = 0;
  /** Largest number of bytes that live only inside one step. */
  passing = 0;

  add(unit: WorkUnit, count: number): void {
    this.work[unit] += count;
  }

  hold(elements: number): void {
    this.held += ELEMENT_BYTES * elements;
  }

  pass(bytes: number): void {
    this.passing = Math.max(this.passing, bytes);
  }

  /** eqRange over a point of `bits` coordinates. */
  eqRange(bits: number, count: number): void {
    this.work.products += 2 * count + 2 * bits;
    this.pass(3 * ELEMENT_BYTES * count);
  }

  /** weightVector. */
  vector(axis: Axis, kind: WeightKind): void {
    if (kind === 'point') this.eqRange(log2Ceil(axis.size), axis.size);
  }

  /** weightSum; the sum of explicit weights takes additions alone. */
  weightSum(axis: Axis, kind: WeightKind): void {
    this.work.products += kind === 'point' ? log2Ceil(axis.size) : kind === 'vector' ? axis.size : 0;
  }

  /** evaluateIntegers of values of at most `valueBits` bits at a point of `bits` coordinates. */
  integers(count: number, valueBits: number, bits: number): void {
    const low = Math.max(0, Math.min(10, 31 - valueBits, bits));
    const rows = Math.ceil(count / 2 ** low) + 1;
    // The limbs of each low weight take two products' time, the sum of a row one.
    this.work.products += 3 * 2 ** low;
    this.eqRange(bits - low, rows);
    this.work.products += rows;
    this.work.integers += count;
  }

  /** One sumcheck round of a polynomial of this degree: messages, Lagrange coefficients, the next claim. */
  round(degree: number): void {
    // Inverses of the differences of nodes, which are kept.
    this.work.powers = Math.max(this.work.powers, 2 * degree);
    this.elements(degree);
    this.challenges(1);
    this.work.products += (degree + 1) * (degree + 1);
  }

  /** Elements read: absorbed in two compressions each. */
  elements(count: number): void {
    this.work.messages += count;
    this.work.compressions += 2 * count;
  }

  /** Challenges: two compressions to draw, two to absorb. */
  challenges(count: number): void {
    this.work.messages += 2 * count;
    this.work.compressions += 4 * count;
  }

  /** Bytes hashed in one message. */
  hash(bytes: number): void {
    this.work.compressions += Math.ceil((bytes + 9) / 64);
  }
}

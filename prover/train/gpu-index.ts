/** Index maps: where an operand's entries lie in its buffer as an operation runs over its domain. */
import type { Term } from '../../protocol/program/relations.ts';
import type { Axis, Operand } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import { isChain, type GpuStore, type Slot } from './gpu-store.ts';

/** The layer that an operation runs in, or null outside the layers' scopes. */
export type Layer = number | null;

/** An operand's place: word = base + step·stepStride + Σ index·stride. */
export interface Place {
  readonly slot: Slot;
  readonly base: number;
  readonly stepStride: number;
  /** Slice of a chain: step + this. */
  readonly slice: number;
  readonly strides: ReadonlyMap<string, number>;
}

/** A group of neighbouring axes that one index runs over. */
export interface Digit {
  readonly size: number;
  /** A stride for each place; 0 where a place does not depend on it. */
  readonly strides: readonly number[];
}

/** The axes of a domain that an operation runs over while step and layer are held. */
export function freeAxes(domain: readonly Axis[], layer: Layer): Axis[] {
  return domain.filter((a) => a.name !== 'step' && (layer === null || (a.name !== 'layer' && a.name !== 'inner')));
}

/** Finds an operand's place. */
export function locate(store: GpuStore, operand: Operand, layer: Layer): Place {
  const slot = store.slot(operand.tensor);
  const strides = new Map<string, number>();
  let [base, stepStride, slice] = [0, 0, 0];
  operand.uses.forEach((use, i) => {
    const stride = slot.strides[i];
    const isSlice = operand.tensor.axes[i].name === 'slice';
    if ('fixed' in use) {
      if (isSlice) throw new EngineError(`${operand.tensor.name} is read at a fixed slice`);
      base += use.fixed * stride;
      return;
    }
    if (isSlice) slice = use.offset;
    else base += use.offset * stride;
    if (use.axis === 'step') stepStride += stride;
    else if (layer !== null && (use.axis === 'layer' || use.axis === 'inner'))
      base += (use.axis === 'layer' ? layer : layer - 1) * stride;
    else strides.set(use.axis, (strides.get(use.axis) ?? 0) + stride);
  });
  return { slot, base, stepStride, slice, strides };
}

/** A tensor over its own axes. */
export function whole(tensor: Operand['tensor']): Operand {
  return { tensor, uses: tensor.axes.map((a) => ({ axis: a.name, offset: 0 })) };
}

/** The buffer of a place at a step. */
export function bufferAt(place: Place, step: number): GPUBuffer {
  return place.slot.bufferOf(isChain(place.slot.tensor) ? step + place.slice : 0);
}

/** The first word of a place at a step. */
export function baseAt(place: Place, step: number): number {
  return place.base + step * place.stepStride;
}

/**
 * Digits of the axes for the stride maps of several places; neighbouring axes that every place walks through as one
 * are joined.
 */
export function digits(axes: readonly Axis[], maps: readonly ReadonlyMap<string, number>[]): Digit[] {
  const out: Digit[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const strides = maps.map((map) => map.get(axis.name) ?? 0);
    const last = out.at(-1);
    if (last?.strides.every((s, i) => s === strides[i] * axis.size))
      out[out.length - 1] = { size: last.size * axis.size, strides };
    else out.push({ size: axis.size, strides });
  }
  return out;
}

/** Row-major strides of the axes by name: the index of an entry of the domain. */
export function entryStrides(axes: readonly Axis[]): Map<string, number> {
  const map = new Map<string, number>();
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    map.set(axes[i].name, stride);
    stride *= axes[i].size;
  }
  return map;
}

/** Axes of a term's factors that the domain lacks, less that of a one-hot factor; step and layer are held. */
export function summedAxes(term: Term, domain: readonly Axis[], layer: Layer): Axis[] {
  const known = new Set([...domain.map((a) => a.name), 'step', ...(layer === null ? [] : ['layer', 'inner'])]);
  const gathered = gatherAxis(term);
  if (gathered !== null) known.add(gathered);
  const out: Axis[] = [];
  for (const { tensor, uses } of term.factors)
    uses.forEach((use, i) => {
      if ('fixed' in use || known.has(use.axis)) return;
      known.add(use.axis);
      out.push({ ...tensor.axes[i], name: use.axis });
    });
  return out;
}

/** The axis that a one-hot factor of the term picks an index of, or null. */
export function gatherAxis(term: Term): string | null {
  for (const { tensor, uses } of term.factors) {
    const last = uses.at(-1);
    if (tensor.kind === 'onehot' && last !== undefined && !('fixed' in last)) return last.axis;
  }
  return null;
}

/** Whether a place's first word is a multiple of four at every step. */
export function isAligned(place: Place): boolean {
  return place.base % 4 === 0 && place.stepStride % 4 === 0;
}

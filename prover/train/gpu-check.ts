/** From a flagged entry of an operation's domain to an index of the tensor that it writes. */
import type { Axis, Operand } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import type { Layer } from './gpu-index.ts';
import type { Check } from './gpu-pass.ts';

/** A check of an operand that is written over the free axes of a domain. */
export function checkOf(slot: number, operand: Operand, free: readonly Axis[], layer: Layer): Check {
  const { tensor, uses } = operand;
  if (tensor.kind !== 'tensor') throw new EngineError(`${tensor.name} cannot be written`);
  const indexOf = (entry: number, step: number): number[] => {
    const at = new Map<string, number>([['step', step]]);
    if (layer !== null) at.set('layer', layer).set('inner', layer - 1);
    let rest = entry;
    for (const axis of [...free].reverse()) {
      at.set(axis.name, rest % axis.size);
      rest = Math.floor(rest / axis.size);
    }
    return uses.map((use) => ('fixed' in use ? use.fixed : (at.get(use.axis) ?? 0) + use.offset));
  };
  return { slot, tensor, indexOf };
}

/** Writing the values that an operation computes. */
import type { Operand, Tensor } from '../../protocol/program/tensors.ts';
import { access, origin, type Access, type Domain, type Held } from './evaluate.ts';
import type { Store } from './store.ts';

/** An operation made ready for a program: runs it at the held indices. */
export type Runner = (store: Store, held: Held) => void;

/** Writes a tensor entry by entry of a domain. */
export class Writer {
  readonly #tensor: Tensor;
  readonly #access: Access;

  constructor(operand: Operand, domain: Domain) {
    if (operand.tensor.kind !== 'tensor') throw new RangeError(`${operand.tensor.name} cannot be written`);
    this.#tensor = operand.tensor;
    this.#access = access(operand, domain);
  }

  /** A function that writes a value at an entry. @throws RangeOverflowError (the function) */
  bind(store: Store, held: Held): (entry: number, value: number | bigint) => void {
    const values = store.of(this.#tensor);
    const base = origin(this.#access, held);
    const { outer } = this.#access;
    return (entry, value) => store.write(this.#tensor, values, base + outer[entry], value, held['step']);
  }
}

/** A tensor over its own axes. */
export function whole(tensor: Tensor): Operand {
  return { tensor, uses: tensor.axes.map((a) => ({ axis: a.name, offset: 0 })) };
}

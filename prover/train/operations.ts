/** The operations that compute a witness, one entry after the other. */
import { isqrt } from '../../protocol/program/fixedpoint.ts';
import type { ContractOp, DivideOp, Operation, SqrtOp } from '../../protocol/program/relations.ts';
import { sizeOf } from '../../protocol/program/tensors.ts';
import { Sum, type Domain } from './evaluate.ts';
import { siluRunner, softmaxRunner } from './nonlinear.ts';
import { Writer, whole, type Runner } from './writer.ts';

/** Makes an operation ready. */
export function runner(op: Operation): Runner {
  const domain = domainOf(op);
  switch (op.kind) {
    case 'contract':
      return contractRunner(op, domain);
    case 'sqrt':
      return sqrtRunner(op, domain);
    case 'divide':
      return divideRunner(op, domain);
    case 'softmax':
      return softmaxRunner(op, domain);
    case 'silu':
      return siluRunner(op, domain);
  }
}

/** A step is run at a time, and in the layers' scopes a layer at a time. */
function domainOf(op: Operation): Domain {
  const held = ['step', ...(op.scope === 'forward' || op.scope === 'backward' ? ['layer', 'inner'] : [])];
  return { free: op.domain.filter((a) => !held.includes(a.name)), held };
}

const EXACT = 2 ** 53;

/** ⌊(n + bias) / divisor⌋ and the rest. */
export function floorDivide(n: number | bigint, bias: bigint, divisor: bigint): { quotient: bigint; rest: bigint } {
  const raised = BigInt(n) + bias;
  const rest = ((raised % divisor) + divisor) % divisor;
  return { quotient: (raised - rest) / divisor, rest };
}

function contractRunner(op: ContractOp, domain: Domain): Runner {
  const terms = new Sum(op.terms, domain);
  const plus = new Sum(op.plus, domain);
  const writeOut = new Writer(op.out, domain);
  const rests = [op.remainder, op.complement].map((t) => (t === null ? null : new Writer(whole(t), domain)));
  const entries = sizeOf(domain.free);
  const [divisor, bias, sign] = [Number(op.divisor), Number(op.bias), Number(op.sign)];
  return (store, held) => {
    const read = store.of.bind(store);
    terms.bind(read, held);
    plus.bind(read, held);
    const out = writeOut.bind(store, held);
    const [remainder, complement] = rests.map((w) => w?.bind(store, held));
    for (let e = 0; e < entries; e++) {
      const sum = terms.at(e);
      const more = plus.at(e);
      if (typeof sum === 'number' && typeof more === 'number' && Math.abs(sum) + divisor < EXACT) {
        const raised = sum + bias;
        const rest = ((raised % divisor) + divisor) % divisor;
        out(e, more + sign * ((raised - rest) / divisor));
        remainder?.(e, rest);
        complement?.(e, divisor - 1 - rest);
      } else {
        const { quotient, rest } = floorDivide(sum, op.bias, op.divisor);
        out(e, BigInt(more) + op.sign * quotient);
        remainder?.(e, rest);
        complement?.(e, op.divisor - 1n - rest);
      }
    }
  };
}

function sqrtRunner(op: SqrtOp, domain: Domain): Runner {
  const terms = new Sum(op.terms, domain);
  const writers = [op.root, op.slack, op.coslack].map((o) => new Writer(o, domain));
  const entries = sizeOf(domain.free);
  return (store, held) => {
    terms.bind(store.of.bind(store), held);
    const [root, slack, coslack] = writers.map((w) => w.bind(store, held));
    for (let e = 0; e < entries; e++) {
      const square = BigInt(terms.at(e));
      const s = isqrt(square);
      root(e, s);
      slack(e, square - s * s);
      coslack(e, 2n * s - (square - s * s));
    }
  };
}

function divideRunner(op: DivideOp, domain: Domain): Runner {
  const numerator = new Sum(op.numerator, domain);
  const denominator = new Sum(op.denominator, domain);
  const writers = [op.quotient, op.remainder, op.complement].map((o) => new Writer(o, domain));
  const entries = sizeOf(domain.free);
  return (store, held) => {
    const read = store.of.bind(store);
    numerator.bind(read, held);
    denominator.bind(read, held);
    const [quotient, remainder, complement] = writers.map((w) => w.bind(store, held));
    for (let e = 0; e < entries; e++) {
      const d = BigInt(denominator.at(e));
      const { quotient: q, rest } = floorDivide(numerator.at(e), 0n, d);
      quotient(e, q);
      remainder(e, rest);
      complement(e, d - 1n - rest);
    }
  };
}

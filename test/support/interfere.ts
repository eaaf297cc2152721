/** Provers that send something else than the honest one and go on honestly from there. */
import { vi } from 'vitest';
import { NONCE_BYTES, ProofWriter } from '../../protocol/channel.ts';
import { add, sub, type Ext } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';
import { leadingZeros } from '../../protocol/transcript.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import type { Backend, ExtVec } from '../../prover/backend/backend.ts';
import { cpuCells, cpuExt } from '../../prover/backend/cpu-vectors.ts';
import { flipped } from './messages.ts';

/** Another element. */
const other = ([a, b]: Ext): Ext => [a, (b + 1n) % P];

/**
 * Alters one message of every later proof before it is absorbed, until mocks are restored.
 * @param at how many messages of this label come before it
 */
export function alterMessage(label: string, at: number, element: (value: Ext) => Ext = other): void {
  let seen = 0;
  const hit = (name: string): boolean => name === label && seen++ === at;
  const original = methods();
  vi.spyOn(ProofWriter.prototype, 'element').mockImplementation(function (this: ProofWriter, name, value) {
    original.element.call(this, name, hit(name) ? element(value) : value);
  });
  vi.spyOn(ProofWriter.prototype, 'digest').mockImplementation(function (this: ProofWriter, name, data) {
    original.digest.call(this, name, hit(name) ? flipped(data, 31) : data);
  });
  vi.spyOn(ProofWriter.prototype, 'bytes').mockImplementation(function (this: ProofWriter, name, data) {
    original.bytes.call(this, name, hit(name) ? flipped(data, 0) : data);
  });
}

/** Sends the first nonce that shows too little work. */
export function skipWork(label: string): void {
  const { grind, digest } = methods();
  vi.spyOn(ProofWriter.prototype, 'grind').mockImplementation(function (this: ProofWriter, name, bits) {
    if (name !== label) return grind.call(this, name, bits);
    const nonce = new Uint8Array(NONCE_BYTES);
    while (leadingZeros(this.transcript.grindDigest(nonce)) >= bits) nonce[0]++;
    digest.call(this, name, nonce);
  });
}

function methods(): Pick<ProofWriter, 'element' | 'digest' | 'bytes' | 'grind'> {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the spies' own this
  const { element, digest, bytes, grind } = ProofWriter.prototype;
  return { element, digest, bytes, grind };
}

/** Commits to other cells than it proves about, for stacks of this length. */
export function commitsElsewhere(length: number): Backend {
  const backend = createCpuBackend();
  const commitCells = backend.commitCells.bind(backend);
  backend.commitCells = (cells, ...shape) => {
    if (cells.length !== length) return commitCells(cells, ...shape);
    return commitCells(backend.uploadCells(cpuCells(cells).data.map((c) => c ^ 1)), ...shape);
  };
  return backend;
}

/**
 * Goes on with another polynomial of the same weighted sum after it committed to `commitments` polynomials of the code's
 * opening: no sumcheck notices.
 */
export function swapsPolynomial(commitments: number): Backend {
  const backend = createCpuBackend();
  const commitExt = backend.commitExt.bind(backend);
  const productRound = backend.productRound.bind(backend);
  let committed = 0;
  let done = false;
  backend.commitExt = (...args) => {
    committed++;
    return commitExt(...args);
  };
  backend.productRound = (terms) => {
    if (committed === commitments && !done) {
      done = true;
      const [[stack, weights]] = terms as [[ExtVec, ExtVec]];
      const [f, w] = [cpuExt(stack).values, cpuExt(weights).values];
      f[0] = add(f[0], w[1]);
      f[1] = sub(f[1], w[0]);
    }
    return productRound(terms);
  };
  return backend;
}

/** Leaves out the claims of the queries that follow `commitments` committed polynomials, as a verifier would that ignores them. */
export function ignoresQueries(backend: Backend, commitments: number): Backend {
  const commitExt = backend.commitExt.bind(backend);
  const addPowers = backend.addPowers.bind(backend);
  let committed = 0;
  backend.commitExt = (...args) => {
    committed++;
    return commitExt(...args);
  };
  backend.addPowers = (...args) => {
    if (committed !== commitments) addPowers(...args);
  };
  return backend;
}

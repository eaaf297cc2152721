import type { Backend } from './backend.ts';
import { CpuCode } from './cpu-code.ts';
import { CpuTables } from './cpu-tables.ts';

/** The reference backend: both halves in plain BigInt, for small cases and for tests. */
class CpuBackend extends CpuTables implements Backend {
  readonly name = 'cpu';
  readonly #code = new CpuCode();

  readonly commitCells: Backend['commitCells'] = (...args) => this.#code.commitCells(...args);
  readonly openMatrix: Backend['openMatrix'] = (...args) => this.#code.openMatrix(...args);
  readonly combineColumns: Backend['combineColumns'] = (...args) => this.#code.combineColumns(...args);
  readonly commitExt: Backend['commitExt'] = (...args) => this.#code.commitExt(...args);
  readonly openExt: Backend['openExt'] = (...args) => this.#code.openExt(...args);
  readonly addPowers: Backend['addPowers'] = (...args) => this.#code.addPowers(...args);
  readonly release: Backend['release'] = (...args) => this.#code.release(...args);

  close(): void {
    // Arrays in memory; nothing to give back.
  }
}

/** Opens the reference backend. */
export function createCpuBackend(): Backend {
  return new CpuBackend();
}

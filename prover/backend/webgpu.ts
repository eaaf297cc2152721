import type { Backend } from './backend.ts';
import { openDevice, type GpuDevice } from './device.ts';
import { GpuCode, type CodeMemory } from './gpu-code.ts';
import { GpuQueue } from './gpu-queue.ts';
import { GpuTables } from './gpu-tables.ts';
import { GpuVectors } from './gpu-vectors.ts';

/** How a GPU backend uses memory; every setting has a default that fits the device. */
export interface GpuBackendOptions {
  /** log₂ of the F_p² elements of one buffer; see {@link GpuVectors}. */
  readonly chunkLog?: number;
  readonly memory?: CodeMemory;
}

/** The product's backend: both halves in WGSL kernels on one device. */
export class GpuBackend extends GpuTables implements Backend {
  readonly name = 'webgpu';
  readonly gpu: GpuDevice;
  /** What other kernels of the prover record on, and the vectors that they share with this backend. */
  readonly vectors: GpuVectors;
  readonly #code: GpuCode;

  constructor(gpu: GpuDevice, options: GpuBackendOptions = {}) {
    const vectors = new GpuVectors(new GpuQueue(gpu), options.chunkLog);
    super(vectors);
    this.gpu = gpu;
    this.vectors = vectors;
    this.#code = new GpuCode(vectors, options.memory);
  }

  readonly commitCells: Backend['commitCells'] = (...args) => this.#code.commitCells(...args);
  readonly openMatrix: Backend['openMatrix'] = (...args) => this.#code.openMatrix(...args);
  readonly combineColumns: Backend['combineColumns'] = (...args) => this.#code.combineColumns(...args);
  readonly commitExt: Backend['commitExt'] = (...args) => this.#code.commitExt(...args);
  readonly openExt: Backend['openExt'] = (...args) => this.#code.openExt(...args);
  readonly addPowers: Backend['addPowers'] = (...args) => this.#code.addPowers(...args);
  readonly release: Backend['release'] = (...args) => this.#code.release(...args);

  /** Destroys the device with all vectors and commitments. Closing twice is harmless. */
  close(): void {
    this.gpu.close();
  }
}

/** Opens the fastest device that Dawn accepts. @throws DeviceError NO_DAWN, NO_ADAPTER, NO_DEVICE */
export async function createGpuBackend(options: GpuBackendOptions = {}): Promise<GpuBackend> {
  return new GpuBackend(await openDevice(), options);
}

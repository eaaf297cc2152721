/** Buffers of a program's tensors on the GPU: row-major 32-bit words; what needs 64 bits has its high words in a second plane. */
import type { Operand, Tensor } from '../../protocol/program/tensors.ts';
import type { GpuQueue } from '../backend/gpu-queue.ts';
import { EngineError } from './errors.ts';

/** How a tensor's values lie in its buffers. */
export interface Slot {
  readonly tensor: Operand['tensor'];
  /** Stride of each of the tensor's axes, in words; 0 for slices, and for steps where only one is kept. */
  readonly strides: readonly number[];
  /** Words of a plane; `wide`: a second plane holds the high words. */
  readonly words: number;
  readonly wide: boolean;
  /** Values up to 2^32 − 1 in one word: cells are taken from it, but no sum reads it. */
  readonly unsigned: boolean;
  /** One buffer, or for a chain those of its slices. */
  readonly buffers: readonly GPUBuffer[];
  /** Buffer of a chain's slice. */
  readonly bufferOf: (slice: number) => GPUBuffer;
}

const WORD = 1n << 31n;

/** A chain's values over the steps of a segment have an axis of slices. */
export function isChain(tensor: Operand['tensor']): tensor is Tensor {
  return tensor.kind === 'tensor' && tensor.axes[0]?.name === 'slice';
}

/** Tensors that no step writes. */
function isGiven(tensor: Operand['tensor']): boolean {
  return tensor.kind === 'public' || (tensor.kind === 'tensor' && tensor.parts[0]?.cells.oracle === 'base');
}

export class GpuStore {
  readonly queue: GpuQueue;
  readonly #everyStep: boolean;
  readonly #parent: GpuStore | null;
  readonly #slots = new Map<string, Slot>();

  /**
   * @param everyStep keep the values of every step, for the witness; otherwise of the latest
   * @param parent where base tensors and chains are kept, if not here
   */
  constructor(queue: GpuQueue, everyStep: boolean, parent: GpuStore | null = null) {
    this.queue = queue;
    this.#everyStep = everyStep;
    this.#parent = parent;
  }

  /** The tensor's buffers, made at its first use. @throws EngineError when one is larger than the device can bind */
  slot(tensor: Operand['tensor']): Slot {
    if (this.#parent !== null && (isGiven(tensor) || isChain(tensor))) return this.#parent.slot(tensor);
    let slot = this.#slots.get(tensor.name);
    if (slot === undefined) {
      slot = this.#make(tensor);
      this.#slots.set(tensor.name, slot);
      if (tensor.kind === 'public') this.write(slot.buffers[0], 0, tensor.values);
    }
    return slot;
  }

  /** Writes words from a buffer's word `at` on. */
  write(buffer: GPUBuffer, at: number, words: Int32Array | Uint32Array): void {
    const view = new Uint32Array(words.buffer, words.byteOffset, words.length);
    this.queue.write(buffer, 4 * at, view);
  }

  /** A storage buffer of zeros. @throws EngineError when the device cannot bind it */
  buffer(words: number, what: string): GPUBuffer {
    const size = Math.max(256, 4 * Math.ceil(words / 4) * 4);
    const limit = this.queue.gpu.limits.maxStorageBufferBindingSize;
    if (size > limit)
      throw new EngineError(
        `${what} needs ${size} bytes; this device binds at most ${limit}`,
        'Train with fewer rows or steps a segment, or on a device with more memory.',
      );
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return this.queue.device.createBuffer({ label: what, size, usage });
  }

  close(): void {
    for (const slot of this.#slots.values()) for (const buffer of slot.buffers) buffer.destroy();
    this.#slots.clear();
  }

  #make(tensor: Operand['tensor']): Slot {
    const chain = isChain(tensor);
    const sizes = tensor.axes.map((a) => {
      if (a.name === 'slice' || tensor.kind === 'onehot') return 1;
      return a.name === 'step' && !this.#everyStep ? 1 : a.size;
    });
    // A one-hot tensor is kept as the ids of one step's tokens: its axes but the first and the last.
    if (tensor.kind === 'onehot') for (let i = 1; i < sizes.length - 1; i++) sizes[i] = tensor.axes[i].size;
    const strides = new Array<number>(sizes.length);
    let words = 1;
    for (let i = sizes.length - 1; i >= 0; i--) {
      strides[i] = sizes[i] === 1 && tensor.axes[i].size !== 1 ? 0 : words;
      words *= sizes[i];
    }
    const [min, max] = tensor.kind === 'tensor' ? [tensor.min, tensor.max] : [0n, 0n];
    const unsigned = min >= 0n && max >= WORD && max < 2n * WORD;
    const wide = !unsigned && (min < -WORD || max >= WORD);
    const slices = chain ? tensor.axes[0].size : 1;
    // Where only the latest step is kept, a chain has its first slice and two that take turns.
    const count = chain && !this.#everyStep ? Math.min(slices, 3) : slices;
    const buffers = Array.from({ length: count }, () => this.buffer(wide ? 2 * words : words, tensor.name));
    const turns = count < slices;
    const bufferOf = (slice: number): GPUBuffer => buffers[turns && slice > 0 ? 2 - (slice & 1) : slice];
    return { tensor, strides, words, wide, unsigned, buffers, bufferOf };
  }
}

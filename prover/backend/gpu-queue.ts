/** Records kernels into few submissions, keeps buffers for reuse, and reads results back. */
import type { GpuDevice } from './device.ts';
import { patiently } from './gpu-wait.ts';
import { Kernels, type KernelConstants } from '../kernels/kernels.ts';

/** A storage buffer, or the part of one from `offset` (a multiple of 256) on; sizes in bytes. */
export type Binding = GPUBuffer | { readonly buffer: GPUBuffer; readonly offset: number; readonly size?: number };

/**
 * Small data of recorded kernels (uniforms, short tables) lies in one buffer that is written once per submission; a
 * slot starts at a multiple of the alignment limit.
 */
const SLOT = 256;
const INLINE_BYTES = 1 << 20;

/** Up to this size a table may go inline. */
export const MAX_INLINE_BYTES = 1 << 16;
const MAX_UNIFORM_BYTES = 1 << 12;

/** So many kernels are recorded at most before they are handed to the GPU, so that it starts early. */
const KERNELS_PER_SUBMIT = 32;

const STAGING_BYTES = 1 << 16;

export class GpuQueue {
  readonly gpu: GpuDevice;
  readonly device: GPUDevice;
  readonly kernels: Kernels;
  /** Workgroups that fill the device; kernels loop over the rest. On the CPU more threads only cost. */
  readonly maxGroups: number;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  readonly #inline: GPUBuffer;
  readonly #inlineData = new Uint32Array(INLINE_BYTES / 4);
  /** Bytes of the inline buffer that recorded, unsubmitted kernels use: [start, end). */
  #inlineStart = 0;
  #inlineEnd = 0;
  #staging: GPUBuffer | undefined;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #recorded = 0;

  /** `maxGroups`: without it, 64 on a CPU driver and 4096 otherwise. */
  constructor(gpu: GpuDevice, maxGroups?: number) {
    this.gpu = gpu;
    this.device = gpu.device;
    this.kernels = new Kernels(this.device);
    this.maxGroups = maxGroups ?? (gpu.adapterInfo.software ? 64 : 4096);
    this.#inline = this.device.createBuffer({
      size: INLINE_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
  }

  /** Workgroups for `items` of which one workgroup does `perGroup` in a turn; its threads loop over what is left. */
  groupsFor(items: number, perGroup: number): number {
    return Math.max(1, Math.min(Math.ceil(items / perGroup), this.maxGroups));
  }

  /** A storage buffer of at least `bytes` (powers of two from 256); its contents are arbitrary. */
  acquire(bytes: number): GPUBuffer {
    const size = 2 ** Math.max(8, Math.ceil(Math.log2(bytes)));
    return this.#free.get(size)?.pop() ?? this.device.createBuffer({ size, usage: this.#usage });
  }

  /** Gives a buffer back. Kernels recorded so far may still use it: later ones run after them. */
  release(buffer: GPUBuffer): void {
    const list = this.#free.get(buffer.size);
    if (list === undefined) this.#free.set(buffer.size, [buffer]);
    else list.push(buffer);
  }

  /** Destroys the buffers that wait for reuse. */
  trim(): void {
    this.flush();
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
  }

  /**
   * Short tables as storage bindings for the next kernel recorded, and for that one only.
   * @throws RangeError when one is larger than {@link MAX_INLINE_BYTES}
   */
  inline(...tables: readonly Uint32Array[]): Binding[] {
    for (const words of tables)
      if (words.byteLength > MAX_INLINE_BYTES) throw new RangeError(`${words.byteLength} bytes of inline data`);
    // All slots of a kernel, its uniform included, must lie in one round of the buffer.
    this.#reserve(tables.reduce((sum, words) => sum + words.byteLength + SLOT, MAX_UNIFORM_BYTES));
    return tables.map((words) => ({
      buffer: this.#inline,
      offset: this.#slot(words),
      size: Math.max(16, words.byteLength),
    }));
  }

  /**
   * Records a kernel: binding 0 is the uniform `params` (u32 words, as the kernel's struct), bindings 1, 2, … `buffers`.
   * `groups` workgroups in one dimension, at most 65,535; see {@link GpuQueue.groupsFor} for kernels that loop.
   */
  dispatch(
    name: string,
    groups: number,
    params: readonly number[] | Uint32Array,
    buffers: readonly Binding[],
    constants?: KernelConstants,
  ): void {
    const { pipeline, layout } = this.kernels.get(name, constants);
    const offset = this.#slot(params);
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: this.#inline, offset, size: Math.ceil(params.length / 4) * 16 } },
    ];
    for (let i = 0; i < buffers.length; i++) {
      const b = buffers[i];
      entries.push({ binding: i + 1, resource: 'buffer' in b ? b : { buffer: b } });
    }
    const group = this.device.createBindGroup({ layout, entries });
    const pass = (this.#pass ??= this.#encode().beginComputePass());
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    if (++this.#recorded >= KERNELS_PER_SUBMIT) this.flush();
  }

  clear(buffer: GPUBuffer, offset: number, bytes: number): void {
    this.#endPass();
    this.#encode().clearBuffer(buffer, offset, bytes);
  }

  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.#endPass();
    this.#encode().copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
  }

  /** Writes after all that was recorded so far. */
  write(buffer: GPUBuffer, offset: number, data: Uint32Array | BigUint64Array | Uint8Array): void {
    this.flush();
    this.device.queue.writeBuffer(buffer, offset, data as GPUAllowSharedBufferSource);
  }

  /** Hands everything recorded to the GPU, without waiting for it. */
  flush(): void {
    if (this.#encoder === undefined) return;
    this.#endPass();
    if (this.#inlineEnd > this.#inlineStart)
      this.device.queue.writeBuffer(
        this.#inline,
        this.#inlineStart,
        this.#inlineData,
        this.#inlineStart / 4,
        (this.#inlineEnd - this.#inlineStart) / 4,
      );
    this.#inlineStart = this.#inlineEnd;
    this.device.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#recorded = 0;
  }

  /** The words of a buffer, once everything recorded before has run. @throws DeviceError when the device failed. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<Uint32Array> {
    const small = bytes <= STAGING_BYTES;
    const staging =
      (small ? this.#staging : undefined) ??
      this.device.createBuffer({
        size: small ? STAGING_BYTES : bytes,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
    // Taken out while in use: reads may overlap.
    if (small) this.#staging = undefined;
    this.copy(buffer, offset, staging, 0, bytes);
    this.flush();
    await patiently(staging.mapAsync(GPUMapMode.READ, 0, bytes));
    this.gpu.check();
    const words = new Uint32Array(staging.getMappedRange(0, bytes)).slice();
    staging.unmap();
    if (small && this.#staging === undefined) this.#staging = staging;
    else staging.destroy();
    return words;
  }

  #encode(): GPUCommandEncoder {
    return (this.#encoder ??= this.device.createCommandEncoder());
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #reserve(bytes: number): void {
    if (this.#inlineEnd + bytes <= INLINE_BYTES) return;
    // Writes are ordered with submissions: once these are submitted, the buffer's start may be written again.
    this.flush();
    this.#inlineStart = this.#inlineEnd = 0;
  }

  #slot(words: readonly number[] | Uint32Array): number {
    const bytes = Math.ceil((words.length * 4) / SLOT) * SLOT;
    this.#reserve(bytes);
    const offset = this.#inlineEnd;
    this.#inlineData.set(words, offset / 4);
    this.#inlineEnd += bytes;
    return offset;
  }
}

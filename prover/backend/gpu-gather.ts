import type { GpuQueue } from './gpu-queue.ts';

/** 16-byte elements to fetch from one buffer. */
export interface GatherSource {
  readonly from: GPUBuffer;
  readonly indices: readonly number[];
}

/** The words of scattered 16-byte elements, source after source in the order of their indices; one read-back. */
export async function gatherVec4(queue: GpuQueue, sources: readonly GatherSource[]): Promise<Uint32Array> {
  const gather = new Gather(
    queue,
    sources.reduce((sum, source) => sum + source.indices.length, 0),
  );
  for (const { from, indices } of sources) gather.add(from, indices);
  return gather.read();
}

/** A gather whose sources come one after the other, each valid only until the next one overwrites it. */
export class Gather {
  readonly #queue: GpuQueue;
  readonly #total: number;
  readonly #out: GPUBuffer;
  #done = 0;

  constructor(queue: GpuQueue, total: number) {
    this.#queue = queue;
    this.#total = total;
    this.#out = queue.acquire(Math.max(1, total) * 16);
  }

  add(from: GPUBuffer, indices: readonly number[]): void {
    if (indices.length === 0) return;
    const list = this.#queue.acquire(indices.length * 4);
    this.#queue.write(list, 0, Uint32Array.from(indices));
    this.#queue.dispatch(
      'gather',
      this.#queue.groupsFor(indices.length, 64),
      [0, this.#done, indices.length],
      [list, from, this.#out],
    );
    this.#queue.release(list);
    this.#done += indices.length;
  }

  async read(): Promise<Uint32Array> {
    const words = this.#total === 0 ? new Uint32Array(0) : await this.#queue.read(this.#out, 0, this.#total * 16);
    this.#queue.release(this.#out);
    return words;
  }
}

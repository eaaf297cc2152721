/**
 * Waiting for the GPU without asking it all the time: while a read is pending, the WebGPU binding polls the device from
 * the event loop, and that takes a core from a driver that computes on the CPU.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Part of the expected time that is slept through, and the least time worth it, ms. */
const SLEPT = 0.85;
const LEAST = 10;

export class Pace {
  #expected = 0;

  /**
   * Runs `read`, which waits for work just submitted, after sleeping for most of the time that such work took before.
   * How long it sleeps changes no result.
   */
  async wait<T>(read: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const slept = this.#expected * SLEPT >= LEAST ? this.#expected * SLEPT : 0;
    if (slept > 0) await sleep(slept);
    const woken = performance.now();
    const result = await read();
    const end = performance.now();
    // Ready at once: the work may have been done long before.
    this.#expected = slept > 0 && end - woken < 0.05 * slept ? slept / 2 : end - start;
    return result;
  }
}

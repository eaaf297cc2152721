/**
 * Waiting for the GPU without asking it all the time. While a read is pending, the WebGPU binding polls the device in every
 * turn of the event loop, which takes a whole core from a driver that computes on the CPU. Turns are slowed down here by
 * blocking for a share of the time waited so far: at most an eighth is added to a wait, and short ones are left alone.
 */
const FREE = 0.4;
const SHARE = 1 / 8;
const LONGEST = 4;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Resolves as `pending` does. Timers and signals are still served, a few milliseconds late at most. */
export async function patiently<T>(pending: Promise<T>): Promise<T> {
  const start = performance.now();
  let waiting = true;
  const turn = (): void => {
    if (!waiting) return;
    const waited = performance.now() - start;
    if (waited > FREE) Atomics.wait(cell, 0, 0, Math.min(LONGEST, waited * SHARE));
    setImmediate(turn);
  };
  setImmediate(turn);
  try {
    return await pending;
  } finally {
    waiting = false;
  }
}

// How items are shared out. A part for kernels with workgroups of THREADS. No bindings.
// A workgroup takes one contiguous block: neighbouring threads read neighbouring items, and a CPU driver streams.

const THREADS = 64u;

/** Items [x, y) of a workgroup's block; its threads take x + thread, x + thread + THREADS, … */
fn block(items: u32, group: u32, groups: u32) -> vec2<u32> {
  let size = (items + groups * THREADS - 1u) / (groups * THREADS) * THREADS;
  let start = min(group * size, items);
  return vec2<u32>(start, min(start + size, items));
}

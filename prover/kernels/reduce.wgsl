// Sums over the threads of a workgroup. A part; needs field.wgsl and grid.wgsl.

const MAX_SUMS = 6u;

/** Sum k of thread t at k·THREADS + t. */
var<workgroup> partial: array<vec4<u32>, MAX_SUMS * THREADS>;

/**
 * The workgroup's sum k for thread k < count; other threads get zero. Call in uniform control flow, once `partial` is set.
 * One thread a column and one barrier: on a CPU driver barriers cost more than 64 additions.
 */
fn column_sum(thread: u32, count: u32) -> vec4<u32> {
  workgroupBarrier();
  var sum = vec4<u32>(0u);
  if (thread < count) {
    for (var t = 0u; t < THREADS; t++) {
      sum = ext_add(sum, partial[thread * THREADS + t]);
    }
  }
  return sum;
}

// parts: field.wgsl grid.wgsl reduce.wgsl
// out[k] = Σ_{i < count_k} partials[start_k + i·stride_k], (start, count, stride, 0) = ranges[k].
// Grid: one workgroup per sum, `sums` of them.

struct Params { sums: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> ranges: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let range = ranges[group.x];
  var sum = vec4<u32>(0u);
  for (var i = thread; i < range.y; i += THREADS) {
    sum = ext_add(sum, partials[range.x + i * range.z]);
  }
  partial[thread] = sum;
  let total = column_sum(thread, 1u);
  if (thread == 0u && group.x < params.sums) {
    out[group.x] = total;
  }
}

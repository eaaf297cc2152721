// parts: field.wgsl grid.wgsl
// out[base + i] = v[2i] + r·(v[2i+1] − v[2i]); with SUM, out[base + i] = v[2i] + v[2i+1].
// v: `length` F_p² elements of one chunk, zero beyond; out: ⌈length/2⌉ from `base` on.
// Grid: any; workgroups take blocks of i. CPU twins: fold and sumPairs in backend/cpu-tables.ts.

override SUM: bool = false;

struct Params { r: vec4<u32>, length: u32, base: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> v: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let length = params.length;
  let span = block((length + 1u) / 2u, group.x, groups.x);
  for (var i = span.x + thread; i < span.y; i += THREADS) {
    let low = v[2u * i];
    // A buffer's size is even, so this read stays inside it.
    let high = select(vec4<u32>(0u), v[2u * i + 1u], 2u * i + 1u < length);
    if (SUM) {
      out[params.base + i] = ext_add(low, high);
    } else {
      out[params.base + i] = ext_add(low, ext_mul(params.r, ext_sub(high, low)));
    }
  }
}

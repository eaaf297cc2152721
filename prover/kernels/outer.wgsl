// parts: field.wgsl grid.wgsl
// target[at + k] (+)= hi[t / width]·lo[t mod width], t = first + k, k < count: a piece of an outer product inside one chunk.
// ADD: whether to add to the target or to set it. Grid: any; workgroups take blocks of k.
// CPU twins: addOuter and eqTable in backend/cpu-tables.ts.

override ADD: bool;

struct Params { at: u32, first: u32, count: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> hi: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> lo: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let span = block(params.count, group.x, groups.x);
  for (var k = span.x + thread; k < span.y; k += THREADS) {
    let t = params.first + k;
    let product = ext_mul(hi[t / params.width], lo[t % params.width]);
    if (ADD) {
      out[params.at + k] = ext_add(out[params.at + k], product);
    } else {
      out[params.at + k] = product;
    }
  }
}

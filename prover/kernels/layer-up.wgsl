// parts: field.wgsl grid.wgsl
// Next layer of a fractional sum: p'[i] = p[2i]·q[2i+1] + p[2i+1]·q[2i], q'[i] = q[2i]·q[2i+1].
// p, q: `length` F_p² elements of one chunk; entries beyond are 0 and 1. outP, outQ: ⌈length/2⌉, from `base` on.
// Grid: any; workgroups take blocks of i. CPU twin: layerUp in backend/cpu-fractions.ts.

struct Params { length: u32, base: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> q: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> outP: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> outQ: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let pairs = params.length / 2u;
  let span = block(pairs, group.x, groups.x);
  for (var i = span.x + thread; i < span.y; i += THREADS) {
    let q0 = q[2u * i];
    let q1 = q[2u * i + 1u];
    outP[params.base + i] = ext_reduce(limbs_add(ext_product(p[2u * i], q1), ext_product(p[2u * i + 1u], q0)));
    outQ[params.base + i] = ext_mul(q0, q1);
  }
  if (group.x == 0u && thread == 0u && params.length % 2u == 1u) {
    outP[params.base + pairs] = p[2u * pairs];
    outQ[params.base + pairs] = q[2u * pairs];
  }
}

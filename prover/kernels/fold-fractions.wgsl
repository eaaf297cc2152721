// parts: field.wgsl grid.wgsl
// Binds x's lowest variable of a layer (index (x, b)): new[2x'+b] = old[4x'+b] + r·(old[4x'+2+b] − old[4x'+b]), for p and q.
// p, q: `length` F_p² elements of one chunk, 0 and 1 beyond; outP, outQ: `count` elements from `base` on.
// Grid: any; workgroups take blocks of the new index. CPU twin: foldFractions in backend/cpu-fractions.ts.

struct Params { r: vec4<u32>, length: u32, count: u32, base: u32 }

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
  let span = block(params.count, group.x, groups.x);
  for (var i = span.x + thread; i < span.y; i += THREADS) {
    let low = 4u * (i / 2u) + i % 2u;
    // A buffer's size is a multiple of four elements, so reads up to low + 2 stay inside it.
    let real = low + 2u < params.length;
    let p0 = p[low];
    let q0 = q[low];
    let p1 = select(vec4<u32>(0u), p[low + 2u], real);
    let q1 = select(vec4<u32>(1u, 0u, 0u, 0u), q[low + 2u], real);
    outP[params.base + i] = ext_add(p0, ext_mul(params.r, ext_sub(p1, p0)));
    outQ[params.base + i] = ext_add(q0, ext_mul(params.r, ext_sub(q1, q0)));
  }
}

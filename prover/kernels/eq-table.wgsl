// parts: field.wgsl grid.wgsl
// out[i] = scale · Π_k (bit k of i ? point[k] : 1 − point[k]), i < 2^variables.
// Grid: any; workgroups take blocks of i. For few variables: a thread multiplies `variables` times.
// CPU twin: eqTable in backend/cpu-tables.ts.

const MAX_VARIABLES = 12u;

struct Params { scale: vec4<u32>, point: array<vec4<u32>, MAX_VARIABLES>, variables: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let span = block(1u << params.variables, group.x, groups.x);
  for (var i = span.x + thread; i < span.y; i += THREADS) {
    var product = params.scale;
    for (var k = 0u; k < params.variables; k++) {
      let r = params.point[k];
      let rest = ext_sub(vec4<u32>(1u, 0u, 0u, 0u), r);
      product = ext_mul(product, select(rest, r, ((i >> k) & 1u) == 1u));
    }
    out[i] = product;
  }
}

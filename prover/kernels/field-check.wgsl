// parts: field.wgsl
// Every function of field.wgsl on pairs of elements, for the test against protocol/extension.ts.
// a, b: n F_p² elements; out: eight runs of n, one per statement below.
// Grid: one thread per pair.

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  let n = params.n;
  if (i >= n) {
    return;
  }
  let x = a[i];
  let y = b[i];
  out[i] = ext_add(x, y);
  out[n + i] = ext_sub(x, y);
  out[2u * n + i] = ext_neg(x);
  out[3u * n + i] = ext_mul(x, y);
  out[4u * n + i] = ext_mul_base(x, y.xy);
  out[5u * n + i] = ext_scale_u32(x, y.x);
  // Most products that ext_reduce must take, of the largest and of both signs.
  var sum = ExtLimbs(vec4<u32>(0u), vec4<u32>(0u));
  for (var k = 0u; k < 128u; k++) {
    sum = limbs_add(sum, ext_product(x, y));
  }
  out[6u * n + i] = ext_reduce(sum);
  // The largest representatives that fp_mul must take, and products of arbitrary words.
  out[7u * n + i] = vec4<u32>(fp_mul(vec2<u32>(0xffffffffu) - x.xy, vec2<u32>(0xffffffffu) - y.xy), fp_canonical(vec2<u32>(y.x, 0xffffffffu)));
}

// target[offset + j] += Σ_k high[k·highs + (i >> log_low)]·low[(k << log_low) + (i mod 2^log_low)], i = start + j, j < count.
// high: F_p², coef_k·z_k^(h·2^log_low) for h < highs; low: z_k^l in F_p² (second part zero), log_low ≥ 2.
// target: one chunk of F_p². Grid: one thread per four powers i. CPU twin: cpu-code.ts, addPowers.
// parts: field.wgsl wide.wgsl
struct Params {
  offset: u32,
  start: u32,
  count: u32,
  points: u32,
  highs: u32,
  log_low: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> high: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> low: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let first = params.start >> 2u;
  let end = (params.start + params.count + 3u) >> 2u;
  for (var t = first + id.x; t < end; t += groups.x * 64u) {
    var at_high = t >> (params.log_low - 2u);
    var at_low = (4u * t) & ((1u << params.log_low) - 1u);
    // Initialised by hand: a driver may zero a variable of a loop only once.
    var sum0 = array<Wide, 4>();
    var sum1 = array<Wide, 4>();
    for (var k = 0u; k < params.points; k++) {
      let h = high[at_high];
      for (var j = 0u; j < 4u; j++) {
        let l = low[at_low + j].xy;
        wide_add(&sum0[j], wide_product(h.xy, l));
        wide_add(&sum1[j], wide_product(h.zw, l));
      }
      at_high += params.highs;
      at_low += 1u << params.log_low;
    }
    for (var j = 0u; j < 4u; j++) {
      let place = 4u * t + j - params.start;
      if (place < params.count) {
        let at = params.offset + place;
        result[at] = ext_add(result[at], vec4<u32>(wide_reduce(sum0[j]), wide_reduce(sum1[j])));
      }
    }
  }
}

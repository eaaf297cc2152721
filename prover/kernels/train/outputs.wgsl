// Three results of entry i, each in its own buffer at base + Σ digit·stride, the high word in the second plane if there
// is one. A part for kernels; after int64.wgsl.
// flags[slot + r]: the smallest i whose result r leaves its range; flags[0], flags[1]: result `probed` of entry `probe`.

struct Params {
  grid: vec4<u32>, // entries, digits, flag slot, probe
  base: vec4<u32>, // of the results; probed result
  planes: vec4<u32>, // second planes of the results (0: none)
  ranges: array<vec4<u32>, 3>, // min, max
  digits: array<vec4<u32>, 4>, // size, strides of the results
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> numerator: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> first: array<u32>;
@group(0) @binding(3) var<storage, read_write> second: array<u32>;
@group(0) @binding(4) var<storage, read_write> third: array<u32>;
@group(0) @binding(5) var<storage, read_write> flags: array<atomic<u32>>;

fn check(i: u32, result: u32, value: vec2<u32>) {
  let range = params.ranges[result];
  if (i64_less(value, range.xy) || i64_less(range.zw, value)) {
    atomicMin(&flags[params.grid.z + result], i);
  }
  if (i == params.grid.w && result == params.base.w) {
    atomicStore(&flags[0], value.x);
    atomicStore(&flags[1], value.y);
  }
}

fn put(i: u32, a: vec2<u32>, b: vec2<u32>, c: vec2<u32>) {
  var at = params.base.xyz;
  var rest = i;
  for (var d = params.grid.y; d > 0u; d--) {
    let digit = params.digits[d - 1u];
    let above = rest / digit.x;
    at += (rest - above * digit.x) * digit.yzw;
    rest = above;
  }
  check(i, 0u, a);
  check(i, 1u, b);
  check(i, 2u, c);
  first[at.x] = a.x;
  second[at.y] = b.x;
  third[at.z] = c.x;
  if (params.planes.x != 0u) {
    first[at.x + params.planes.x] = a.y;
  }
  if (params.planes.y != 0u) {
    second[at.y + params.planes.y] = b.y;
  }
  if (params.planes.z != 0u) {
    third[at.z + params.planes.z] = c.y;
  }
}

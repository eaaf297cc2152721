// Chains a block of code words into the SHA-256 states of their rows; the last block adds the padding.
// Row (k, u), k < cosets, u < 2^(log_h − log_fold), has the pairs e = 0, 1, …, pairs·2^log_fold − 1 of the block at
// data[(k·pairs + (e >> log_fold))·2^log_h + u·2^log_fold + reversed (e mod 2^log_fold)]; its leaf number is
// (coset + k) + 2^log_cosets·(reversed u). An element is two big-endian words, high first.
// states: 8 words per leaf. `quad` pairs (multiples of 4) of the row came before; the row has `columns` elements.
// Grid: one thread per row. CPU twin: protocol/merkle.ts, leafDigest.
// parts: sha256.wgsl
struct Params {
  initial_low: vec4<u32>,
  initial_high: vec4<u32>,
  log_h: u32,
  log_fold: u32,
  pairs: u32,
  cosets: u32,
  coset: u32,
  log_cosets: u32,
  quad: u32,
  columns: u32,
  last: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4<u32>>;

/** `x` with its lowest `bits` bits reversed, `bits` < 32. */
fn reversed(x: u32, bits: u32) -> u32 {
  return reverseBits(x << 1u) >> (31u - bits);
}

/** Pair `e` of the row whose first pair is at `base`, as four words of the message with what padding it needs. */
fn message(base: u32, e: u32) -> vec4<u32> {
  var words = vec4<u32>();
  let start = 2u * (params.quad + e);
  if (start < params.columns) {
    let fold = (1u << params.log_fold) - 1u;
    words = data[base + ((e >> params.log_fold) << params.log_h) + reversed(e & fold, params.log_fold)].yxwz;
  }
  if (start + 1u == params.columns) {
    words = vec4<u32>(words.xy, 0x80000000u, 0u);
  }
  if (start == params.columns) {
    words.x = 0x80000000u;
  }
  return words;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let log_rows = params.log_h - params.log_fold;
  var blocks = (params.pairs << params.log_fold) / 4u;
  if (params.last != 0u) {
    blocks = (2u * params.columns + 18u) / 16u - params.quad / 4u;
  }
  for (var t = id.x; t < params.cosets << log_rows; t += groups.x * 64u) {
    let k = t >> log_rows;
    let u = t & ((1u << log_rows) - 1u);
    let leaf = params.coset + k + (reversed(u, log_rows) << params.log_cosets);
    let base = ((k * params.pairs) << params.log_h) + (u << params.log_fold);
    var low = params.initial_low;
    var high = params.initial_high;
    if (params.quad != 0u) {
      low = states[2u * leaf];
      high = states[2u * leaf + 1u];
    }
    var state = array<u32, 8>(low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w);
    for (var b = 0u; b < blocks; b++) {
      var w = array<vec4<u32>, 4>(message(base, 4u * b), message(base, 4u * b + 1u), message(base, 4u * b + 2u), message(base, 4u * b + 3u));
      if (params.last != 0u && b + 1u == blocks) {
        // The message is the header block and 8 bytes an element, in bits.
        w[3].w = 512u + 64u * params.columns;
      }
      sha_compress(&state, &w);
    }
    states[2u * leaf] = vec4<u32>(state[0], state[1], state[2], state[3]);
    states[2u * leaf + 1u] = vec4<u32>(state[4], state[5], state[6], state[7]);
  }
}

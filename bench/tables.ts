/** Throughput of the sumcheck kernels. Run: node bench/tables.ts [log₂ of the leaves, 22] [CPU time as well: cpu]. */
import { createGpuBackend } from '../prover/backend/webgpu.ts';
import type { ExtVec, Fractions } from '../prover/backend/backend.ts';
import type { Ext } from '../protocol/extension.ts';

const log = Number(process.argv[2] ?? 22);
const backend = await createGpuBackend();
const { queue } = backend.vectors;
const probe = backend.uploadExt([[1n, 0n]]);

/** Waits until everything recorded has run. */
const settle = (): Promise<unknown> => backend.downloadExt(probe);

/** Processor time of this process; where the driver computes on the CPU it tells more than the clock on a busy machine. */
const processor = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Best of `runs`: milliseconds, processor milliseconds, then per second elements, F_p² products and bytes. */
async function measure(
  name: string,
  size: { readonly elements: number; readonly products: number; readonly bytes: number },
  run: () => unknown,
  runs = 3,
): Promise<void> {
  let [best, least] = [Infinity, Infinity];
  for (let k = 0; k < runs; k++) {
    await settle();
    const [start, cpu] = [performance.now(), processor()];
    await run();
    await settle();
    best = Math.min(best, performance.now() - start);
    least = Math.min(least, processor() - cpu);
  }
  const rate = (amount: number, unit: number): string => (amount / best / 1e3 / unit).toFixed(unit === 1 ? 1 : 2);
  console.log(
    [
      name.padEnd(34),
      `${best.toFixed(1)} ms`.padStart(11),
      `${least.toFixed(0)} ms cpu`.padStart(12),
      `${rate(size.elements, 1)} M elements/s`.padStart(20),
      `${rate(size.products, 1)} M products/s`.padStart(20),
      `${rate(size.bytes, 1000)} GB/s`.padStart(11),
    ].join('  '),
  );
}

const filled = (length: number): ExtVec => {
  const point = Array.from({ length: Math.ceil(Math.log2(length)) }, (_, k): Ext => [
    3n ** BigInt(k + 30),
    5n ** BigInt(20 + (k % 7)),
  ]);
  return backend.eqTable(point, [7n, 11n]);
};
const r: Ext = [0x123456789abcdefn, 0xfedcba987654321n];

console.log(`${backend.gpu.adapterInfo.description || backend.gpu.adapterInfo.device}, 2^${log} leaves`);
const n = 2 ** log;

await measure('read-back of one element', { elements: 1, products: 0, bytes: 16 }, settle, 20);

const state: Fractions = { p: filled(n), q: filled(n), length: n };
await measure('layerUp', { elements: n, products: 1.5 * n, bytes: 48 * n }, () => {
  const up = backend.layerUp(state);
  backend.free(up.p, up.q);
});
const eq = filled(n / 4);
await measure('fractionRound', { elements: n, products: 2 * n, bytes: 36 * n }, () =>
  backend.fractionRound(state, eq, r),
);
await measure('eqTable', { elements: n, products: n, bytes: 16 * n }, () => backend.free(filled(n)));
await measure('foldFractions', { elements: n, products: n, bytes: 48 * n }, () => {
  const copy = { p: filled(1), q: filled(1), length: 1 };
  backend.free(copy.p, copy.q);
  const folded = backend.foldFractions({ p: filled(n), q: filled(n), length: n }, r);
  backend.free(folded.p, folded.q);
});
backend.free(eq, state.p, state.q);
queue.trim();

const m = Math.min(n, 2 ** 20);
const products = [0, 0, 1.5, 3.5, 5.5, 9];
for (let factors = 1; factors <= 5; factors++) {
  const vectors = Array.from({ length: factors }, () => filled(m));
  const size = { elements: factors * m, products: products[factors] * m, bytes: 16 * factors * m };
  await measure(`productRound, ${factors} × 2^${Math.log2(m)}`, size, () => backend.productRound([vectors]));
  if (factors === 4)
    await measure('sumcheck of 4 × 2^20, all rounds', { ...size, products: 2 * (size.products + 2 * m) }, async () => {
      let tables: ExtVec[] = Array.from({ length: 4 }, () => filled(m));
      while (tables[0].length > 1) {
        await backend.productRound([tables]);
        tables = backend.fold(tables, r);
      }
      backend.free(...tables);
    });
  backend.free(...vectors);
}
await measure(`fold of 2^${log} (with eqTable)`, { elements: n, products: n / 2, bytes: 24 * n }, () => {
  backend.free(...backend.fold([filled(n)], r));
});

const cells = backend.uploadCells(Uint32Array.from({ length: n }, (_, i) => Math.imul(i, 2654435761) >>> 12));
await measure('leaves, 2 columns', { elements: n, products: 0, bytes: 40 * n }, () => {
  const coef: Ext = [5n, r[1]];
  const columns = [
    { cells, base: 0, shift: 0, coef: r },
    { cells: null, base: 0, shift: 0, coef },
  ];
  const leaves = backend.leaves(n, [{ start: 0, length: n, constant: r, columns, numerator: 'one' }]);
  backend.free(leaves.p, leaves.q);
});
const half = log >> 1;
const digit = (bits: number): { size: number; bits: number } => ({ size: 2 ** bits, bits });
const weights = Array.from({ length: 2 ** half }, (_, k): Ext => [r[0] + BigInt(k), r[1] - BigInt(k)]);
for (const [name, kept, bound] of [
  ['bind, rows contiguous', 1, 2 ** (log - half)],
  ['bind, sums contiguous', 2 ** half, 1],
] as const)
  await measure(name, { elements: n, products: 0, bytes: 4 * n }, () => {
    const part = { cells, coef: r, base: 0, keptStrides: [kept], boundStrides: [bound] };
    backend.free(backend.bind({ kept: [digit(log - half)], bound: [digit(half)], weights, parts: [part] }));
  });
await measure('bind to one value', { elements: 2 ** 16, products: 0, bytes: 2 ** 18 }, () => {
  const long = Array.from({ length: 2 ** 16 }, (): Ext => r);
  const part = { cells, coef: r, base: 0, keptStrides: [], boundStrides: [1] };
  backend.free(backend.bind({ kept: [], bound: [digit(16)], weights: long, parts: [part] }));
});
backend.close();

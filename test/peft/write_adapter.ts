/** Writes an adapter of known integers for load_adapter.py: `node test/peft/write_adapter.ts DIRECTORY`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { initialAdapter } from '../../protocol/program/initial.ts';
import { writeAdapter } from '../../prover/model/adapter.ts';
import { readArchitecture } from '../../prover/model/config.ts';

const directory = process.argv[2];
if (directory === undefined) throw new RangeError('usage: node test/peft/write_adapter.ts DIRECTORY');
const base = 'examples/stories260k';
const architecture = await readArchitecture(base);
const adapter = initialAdapter(new Uint8Array(32).fill(5), {
  dimensions: architecture,
  layers: architecture.layers,
  rank: 6,
  alpha: 9,
  targets: TARGETS,
});
// lora_B of 0 would leave the model as it is.
for (const layer of adapter.layers) {
  for (const { B } of Object.values(layer)) B.forEach((_, i) => (B[i] = ((i * 7919) % 200003) - 100001));
}
mkdirSync(directory, { recursive: true });
await writeAdapter(directory, adapter, { architecture, name: base });
const integers = adapter.layers.map((layer) =>
  Object.fromEntries(Object.entries(layer).map(([target, { A, B }]) => [target, { A: [...A], B: [...B] }])),
);
writeFileSync(join(directory, 'integers.json'), JSON.stringify({ rank: 6, alpha: 9, layers: integers }));

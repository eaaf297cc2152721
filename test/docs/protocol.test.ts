/** docs/protocol.md shows the soundness table as the calculator prints it, and names files that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PARAMETER_SETS, type ParameterSet } from '../../protocol/parameters.ts';
import { compile } from '../../protocol/program/circuit.ts';
import { DEFAULT_WIDTHS, defaultScales } from '../../protocol/program/config.ts';
import { llamaProgram } from '../../protocol/program/llama.ts';
import { soundness } from '../../protocol/soundness.ts';
import { soundnessTable } from '../../prover/proofs/inspect-command.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'protocol.md'), 'utf8');

describe('docs/protocol.md', () => {
  it('shows the table of the first step of the example', () => {
    const program = llamaProgram({
      model: {
        hiddenSize: 64,
        intermediateSize: 172,
        layers: 5,
        heads: 8,
        kvHeads: 4,
        headDim: 8,
        vocabSize: 512,
        ropeTheta: '10000',
        rmsNormEps: '1e-05',
      },
      lora: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] },
      scales: defaultScales(64),
      widths: DEFAULT_WIDTHS,
      batch: 4,
      seqLen: 64,
      steps: 1,
      dataRows: 1588,
      optimizer: { kind: 'adamw', beta1: 6554n, beta2: 1049n, steps: [{ rate: 1n, epsilon: 1n, decay: 0n }] },
      counts: [256],
    });
    const params = PARAMETER_SETS.get('standard-100') as ParameterSet;
    const table = soundnessTable(
      soundness(compile(program), params, ['base', 'data', 'adapterOut', 'momentsOut', 'witness']),
    );
    expect(page).toContain(`\`\`\`text\n${table}\n\`\`\``);
  });

  it('names files of the project', () => {
    const names = [...page.matchAll(/`((?:protocol|prover)\/[\w./-]+\.ts)`/g)].map((m) => m[1]);
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(existsSync(join(ROOT, name)), name).toBe(true);
  });
});

import { copyFile, cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProofStatement } from '../../protocol/verify.ts';
import { command, startCommand } from '../support/command.ts';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
const proofs = async (run = 'run'): Promise<string[]> =>
  (await readdir(at(`${run}/proofs`))).sort().map((name) => at(`${run}/proofs/${name}`));

/** Small tables and no proof of work, so that a proof takes a second. */
const SETTINGS = {
  parameters: 'strict-100',
  batch: 2,
  seqLen: 8,
  rank: 3,
  alpha: 6,
  targets: ['q_proj', 'up_proj'],
  lr: 0.01,
  // No checkpoint before step 1.
  checkpointEvery: 2,
  widths: { spread: 14, gate: 15, widest: 13 },
};

async function train(name: string, steps: number, ...more: string[]): Promise<void> {
  const { code, stderr } = await command(
    ...['train', '--model', at('model'), '--data', at('data.jsonl'), '--config', at('config.json')],
    ...['--out', at(name), '--steps', String(steps), '--seed', name, ...more],
  );
  expect(stderr).toContain(`adapter ${at(name)}`);
  expect(code).toBe(0);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zklora-commands-'));
  await writeTinyModel(at('model'));
  await writeFables(at('data.jsonl'), 6);
  await writeFile(at('config.json'), JSON.stringify(SETTINGS));
  await train('run', 3);
});

afterAll(() => rm(folder, { recursive: true }));

describe('prove', () => {
  it('that was killed goes on, keeps what is proven and makes the rest', async () => {
    const first = startCommand('prove', at('run'));
    while ((await proofs().catch(() => [])).filter((file) => file.endsWith('.zklora')).length === 0) {
      if (first.child.exitCode !== null) throw new Error((await first.finished).stderr);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    first.child.kill('SIGKILL');
    await first.finished;
    const [file] = await proofs();
    const bytes = await readFile(file);

    const second = await command('prove', at('run'), '--json');
    expect(second.stderr).toContain('segment 1/3, step 0: proven before');
    expect(second.code).toBe(0);
    const report = JSON.parse(second.stdout) as { complete: boolean; segments: { first: number; phases: unknown[] }[] };
    expect(report.complete).toBe(true);
    expect(report.segments.map((s) => s.first)).toEqual([0, 1, 2]);
    expect(report.segments[0].phases).toHaveLength(0);
    expect(await readFile(file)).toEqual(bytes);
  });

  it('chains segments by equal roots', async () => {
    const segments = await Promise.all(
      (await proofs()).map(async (file) => readProofStatement(await readFile(file)).segment),
    );
    expect(segments[0].adapterIn).toBeNull();
    expect(segments[1].adapterIn).toBe(segments[0].adapterOut);
    expect(segments[2].momentsIn).toBe(segments[1].momentsOut);
  });

  it('gives the same bytes again, and replaces a file that is damaged or of other steps', async () => {
    const [first, second] = await proofs();
    const [one, two] = [await readFile(first), await readFile(second)];
    await copyFile(second, first);
    await writeFile(second, two.subarray(0, 1000));
    const { code, stderr } = await command('prove', at('run'));
    expect(stderr).toContain(`${first} is proven again: it proves another run or other steps`);
    expect(stderr).toContain(`${second} is proven again`);
    expect(code).toBe(0);
    expect(await readFile(first)).toEqual(one);
    expect(await readFile(second)).toEqual(two);
  });

  it('proves two steps at once, and the one left over alone', async () => {
    await cp(at('run'), at('pairs'), { recursive: true });
    await rm(at('pairs/proofs'), { recursive: true });
    expect((await command('prove', at('pairs'), '--steps-per-proof', '2')).code).toBe(0);
    expect((await proofs('pairs')).map((file) => /segment-0*(\d+-\d+)/.exec(file)?.[1])).toEqual(['0-2', '2-1']);
    const { code, stdout } = await command('verify', ...(await proofs('pairs')));
    expect(stdout).toContain('complete: 2 segments chain from step 0 to 2');
    expect(code).toBe(0);
  });

  it('refuses three steps a proof, and a run that started from a given adapter', async () => {
    const odd = await command('prove', at('run'), '--steps-per-proof', '3');
    expect(odd).toMatchObject({ code: 1 });
    expect(odd.stderr).toContain('no power of two');
    await train('given', 1, '--initial-adapter', at('run/adapter'));
    const given = await command('prove', at('given'));
    expect(given).toMatchObject({ code: 1 });
    expect(given.stderr).toContain('started from a given adapter');
  });
});

describe('verify', () => {
  it('accepts a whole run in any order, and one segment alone', async () => {
    const [a, b, c] = await proofs();
    const whole = await command('verify', c, a, b);
    expect(whole.stdout).toContain('complete: 3 segments chain from step 0 to 2');
    expect(whole.code).toBe(0);
    expect((await command('verify', b)).code).toBe(0);
  });

  it('says which segment is missing', async () => {
    const [a, , c] = await proofs();
    const { code, stdout } = await command('verify', a, c, '--json');
    const { runs } = JSON.parse(stdout) as { runs: { complete: boolean; missing: unknown }[] };
    expect(runs).toMatchObject([{ complete: false, reached: 1, stop: 'missing', missing: [{ first: 1, steps: 1 }] }]);
    expect(code).toBe(1);
  });

  it('does not take the segment of another run for a missing one', async () => {
    await train('other', 1);
    expect((await command('prove', at('other'))).code).toBe(0);
    const [foreign] = await proofs('other');
    const [, b, c] = await proofs();
    const { code, stdout } = await command('verify', foreign, b, c);
    expect(stdout).toContain('incomplete: 0 of 3 steps');
    expect(stdout).toContain('missing: step 0');
    expect(code).toBe(1);
  });

  it('refuses a changed byte, at whatever place', async () => {
    const [a] = await proofs();
    const bytes = await readFile(a);
    for (const place of [3, 20, 5_000, bytes.length >> 1, bytes.length - 1]) {
      const changed = Uint8Array.from(bytes);
      changed[place] ^= 1;
      await writeFile(at('changed.zklora'), changed);
      const { code, stdout } = await command('verify', at('changed.zklora'));
      expect(stdout, `byte ${place}`).toContain('refused');
      expect(code).toBe(1);
    }
  });
});

describe('inspect', () => {
  it('tells statement, sizes and soundness, which add up', async () => {
    const [, b] = await proofs();
    const { code, stdout } = await command('inspect', b);
    expect(stdout).toContain('step 1 of 3');
    expect(stdout).toContain('LoRA of rank 3, alpha 6, on q_proj, up_proj');
    expect(stdout).toMatch(/weakest term: 10\d bits; 100 are required/);
    expect(code).toBe(0);
    const json = JSON.parse((await command('inspect', b, '--json')).stdout) as {
      bytes: number;
      sizes: { bytes: number }[];
      soundness: { bits: number; target: number };
    };
    expect(json.sizes.reduce((sum, part) => sum + part.bytes, 0)).toBe(json.bytes);
    expect(json.soundness.bits).toBeGreaterThanOrEqual(json.soundness.target);
  });
});

describe('check', () => {
  const check = async (adapter: string, ...args: string[]) => {
    const { code, stdout, stderr } = await command('check', at(adapter), '--json', '--backend', 'cpu', ...args);
    if (stdout === '') throw new Error(stderr);
    const { answers } = JSON.parse(stdout) as { answers: Record<string, { answer: string; why: string | null }> };
    return { code, stderr, answers, short: Object.values(answers).map((a) => a.answer) };
  };

  it('finds integrity and proof of the adapter, and nobody who attests or anchors', async () => {
    const { code, short } = await check('run/adapter');
    expect(short).toEqual(['yes', 'yes', 'not asked', 'not asked']);
    expect(code).toBe(0);
    const more = await check('run/adapter', '--require', 'integrity,attested');
    expect(more.stderr).toContain('Not what was asked for: attested');
    expect(more.code).toBe(1);
  });

  it('refuses one changed weight', async () => {
    await cp(at('run/adapter'), at('run/changed'), { recursive: true });
    const file = at('run/changed/adapter_model.safetensors');
    const bytes = await readFile(file);
    const last = bytes.length - 4;
    bytes.writeFloatLE(bytes.readFloatLE(last) + 2 ** -22, last);
    await writeFile(file, bytes);
    const { code, answers, short } = await check('run/changed');
    expect(short.slice(0, 2)).toEqual(['no', 'no']);
    expect(answers['proof'].why).toContain('ends at another adapter');
    expect(code).toBe(1);
  });

  it('refuses a weight that no training in integers gives', async () => {
    const file = at('run/changed/adapter_model.safetensors');
    const bytes = await readFile(file);
    bytes.writeFloatLE(0.1, bytes.length - 4);
    await writeFile(file, bytes);
    const { answers } = await check('run/changed');
    expect(answers['integrity'].why).toContain('is no multiple of 2^-22');
  });

  it('refuses a run with a missing segment, and a proof that is changed', async () => {
    await cp(at('run/proofs'), at('fewer'), { recursive: true });
    const [a, , c] = (await readdir(at('fewer'))).sort().map((name) => at(`fewer/${name}`));
    await rm(c);
    const missing = await check('run/adapter', '--proofs', at('fewer'));
    expect(missing.answers['proof']).toMatchObject({ answer: 'no' });
    expect(missing.answers['proof'].why).toContain('missing: step 2');
    expect(missing.code).toBe(1);
    await cp(at('run/proofs'), at('fewer'), { recursive: true });
    const bytes = await readFile(a);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(a, bytes);
    expect((await check('run/adapter', '--proofs', at('fewer'))).answers['proof'].why).toContain('refused');
  });

  it('refuses a claim of another run', async () => {
    await cp(at('run/adapter'), at('run/claim'), { recursive: true });
    const text = await readFile(at('run/claim/zklora.json'), 'utf8');
    await writeFile(at('run/claim/zklora.json'), text.replace('"steps": 3,', '"steps": 4,'));
    const { code, stderr } = await command('check', at('run/claim'), '--backend', 'cpu');
    expect(stderr).toContain('its run has another id');
    expect(code).toBe(1);
  });
});

describe('commit', () => {
  it('gives the root that the run declares', async () => {
    const { stdout } = await command('commit', '--model', at('model'));
    const { run } = JSON.parse(await readFile(at('run/run.json'), 'utf8')) as { run: { baseRoot: string } };
    expect(stdout.trim()).toBe(run.baseRoot);
  });
});

describe('program', () => {
  it('lists every relation with its bound, and the padding', async () => {
    const { stdout } = await command('program', '--model', at('model'), '--config', at('config.json'), '--json');
    const { relations, fillings } = JSON.parse(stdout) as {
      relations: { name: string; bits: number }[];
      fillings: { name: string; padding: number }[];
    };
    expect(relations.length).toBeGreaterThan(100);
    for (const { name, bits } of relations) expect(bits, name).toBeLessThanOrEqual(63);
    for (const { name, padding } of fillings) {
      expect(padding, name).toBeGreaterThanOrEqual(0);
      expect(padding, name).toBeLessThan(1);
    }
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';

const CLI = new URL('../../prover/cli.ts', import.meta.url).pathname;
const STEPS = 10;

let folder = '';
const at = (name: string): string => join(folder, name);
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zklora-train-'));
  await writeTinyModel(at('model'));
  await writeFables(at('data.jsonl'), 6);
  const settings = {
    steps: STEPS,
    batch: 2,
    seqLen: 8,
    rank: 3,
    alpha: 6,
    targets: ['q_proj', 'up_proj'],
    evalRows: 5,
  };
  await writeFile(at('config.json'), JSON.stringify({ ...settings, evalEvery: 4, lr: 0.01, seed: 'resume' }));
  await train('whole', start('whole')).ended;
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

const start = (out: string): string[] => [
  ...['--model', at('model'), '--data', at('data.jsonl')],
  ...['--config', at('config.json'), '--out', at(out)],
];

/** Runs `train` in a process of its own. */
function train(name: string, args: readonly string[]) {
  const child = spawn(process.execPath, [CLI, 'train', '--engine', 'cpu', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    said,
  }));
  /** Ends when the run has so many losses. */
  const reached = async (losses: number): Promise<void> => {
    for (;;) {
      const text = await readFile(join(at(name), 'losses.jsonl'), 'utf8').catch(() => '');
      if (text.split('\n').length > losses) return;
      if (child.exitCode !== null) throw new Error(`the run ended before step ${losses}: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { child, ended, reached };
}

/** Every file of a run's results by its path. */
async function results(name: string): Promise<Record<string, string>> {
  const files = ['losses.jsonl', 'evaluations.jsonl', 'losses.svg'];
  for (const sub of ['adapter', 'checkpoints'])
    files.push(...(await readdir(join(at(name), sub))).map((file) => join(sub, file)));
  const entries = files.map(async (file) => [file, await readFile(join(at(name), file), 'base64')] as const);
  return Object.fromEntries(await Promise.all(entries));
}

describe('a run', () => {
  it('writes losses, checkpoints, adapter and plot', async () => {
    const files = await results('whole');
    expect(Object.keys(files).filter((file) => file.startsWith('checkpoints'))).toHaveLength(STEPS + 1);
    expect(Object.keys(files)).toContain('adapter/adapter_model.safetensors');
    const lines = Buffer.from(files['losses.jsonl'], 'base64').toString().trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([...Array(STEPS).keys()]);
    const evaluated = Buffer.from(files['evaluations.jsonl'], 'base64').toString().trim().split('\n');
    expect(evaluated.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([0, 4, 8, 10]);
  });

  it('that was killed goes on to the same bytes', async () => {
    const first = train('killed', start('killed'));
    await first.reached(3);
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    const second = await train('killed', ['--resume', at('killed')]).ended;
    expect(second.said).toMatch(/going on at step [1-9] of 10/);
    expect(second.code).toBe(0);
    expect(await results('killed')).toEqual(await results('whole'));
  });

  it('that got Ctrl-C stops after its step, says how to go on, and goes on to the same bytes', async () => {
    const first = train('interrupted', start('interrupted'));
    await first.reached(2);
    first.child.kill('SIGINT');
    const { code, said } = await first.ended;
    expect(code).toBe(130);
    expect(said).toContain(`./zklora train --resume ${at('interrupted')}`);
    expect((await train('interrupted', ['--resume', at('interrupted')]).ended).code).toBe(0);
    expect(await results('interrupted')).toEqual(await results('whole'));
  });

  it('does not begin in a folder that holds one, nor go on with another model', async () => {
    const again = await train('whole', start('whole')).ended;
    expect(again.code).toBe(1);
    expect(again.said).toContain('holds a run already');
    const file = at('whole/run.json');
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text.replace(/"baseDigest": "(.)/, (_, c: string) => `"baseDigest": "${c === '0' ? '1' : '0'}`),
    );
    const other = await train('whole', ['--resume', at('whole')]).ended;
    await writeFile(file, text);
    expect(other.code).toBe(1);
    expect(other.said).toContain('no longer the model of this run');
  });
});

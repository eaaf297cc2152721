import { describe, expect, it } from 'vitest';
import { command, startCommand } from '../support/command.ts';

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );

interface Summary {
  readonly ok: boolean;
  readonly training: { readonly heldOut: { readonly before: number; readonly after: number } };
  readonly segments: readonly { readonly soundnessBits: number }[];
  readonly answers: Readonly<Record<string, { readonly answer: string }>>;
  readonly refusals: readonly { readonly what: string; readonly by: string }[];
}

describe('demo', () => {
  it('ends all that it started on Ctrl-C', async () => {
    const { child, finished, output } = startCommand('demo');
    const urls = (): string[] => output().match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
    while (urls().length < 2) {
      if (child.exitCode !== null) throw new Error((await finished).stderr);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const url of urls()) expect(await answers(url)).toBe(true);
    child.kill('SIGINT');
    const { code, stderr } = await finished;
    expect(stderr).toContain('Stopping');
    expect(code).toBe(130);
    for (const url of urls()) expect(await answers(url)).toBe(false);
  });

  it.runIf(process.env['ZKLORA_FULL'] === '1')(
    'shows the whole way, and that what is wrong is refused',
    async () => {
      const { code, stdout, stderr } = await command('demo', '--steps', '2', '--json');
      expect(stderr).not.toContain('Error');
      expect(code).toBe(0);
      const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
      expect(summary.ok).toBe(true);
      expect(summary.training.heldOut.after).toBeLessThan(summary.training.heldOut.before);
      expect(summary.segments).toHaveLength(2);
      expect(Object.values(summary.answers).map((a) => a.answer)).toEqual(['yes', 'yes', 'yes', 'yes']);
      expect(summary.refusals.map((r) => r.by)).toEqual(['anchor', 'check', 'check', 'verify', 'service']);
    },
    600_000,
  );
});

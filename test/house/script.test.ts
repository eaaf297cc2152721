import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Finding } from '../../prover/doctor/report.ts';

const SCRIPT = join(import.meta.dirname, '../../zklora');

function zklora(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = { ...process.env };
  delete inherited.CI;
  // A session of its own has no terminal to ask on.
  return spawnSync('setsid', ['--wait', SCRIPT, ...args], { encoding: 'utf8', env: { ...inherited, ...env } });
}

describe('./zklora', () => {
  test('--help lists the commands', () => {
    const { status, stdout } = zklora(['--help']);
    expect(status).toBe(0);
    for (const command of ['doctor', 'test']) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test('an unknown command fails and says so', () => {
    const { status, stderr } = zklora(['nonsense']);
    expect(status).toBe(1);
    expect(stderr).toContain("unknown command 'nonsense'");
  });

  test('doctor --json finds what it set up, and names the adapter', () => {
    const { findings } = JSON.parse(zklora(['doctor', '--json']).stdout) as { findings: Finding[] };
    expect(findings.map((finding) => finding.subject)).toEqual([
      'Node.js',
      'packages',
      'Vulkan driver',
      'memory',
      'browser',
    ]);
    expect(findings.slice(0, 3).every((finding) => finding.ok)).toBe(true);
    const { details } = findings[2];
    expect(details?.vendor).toBeTypeOf('string');
    expect(details?.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
  });

  test('doctor without a driver fails and names a remedy', () => {
    const { status, stdout } = zklora(['doctor', '--json'], { VK_DRIVER_FILES: '/nonexistent.json' });
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    expect({ status, ok }).toEqual({ status: 1, ok: false });
    expect(findings.filter((finding) => !finding.ok).map((finding) => finding.subject)).toEqual(['Vulkan driver']);
    expect(findings[2].remedy.join('\n')).toContain('esa');
  });

  test('doctor does without a browser, which the tests alone need', () => {
    const { stdout } = zklora(['doctor', '--json'], { ZKLORA_BROWSER: '/nonexistent' });
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
    const { found, only } = findings.at(-1)!;
    expect({ ok, found, only }).toEqual({ ok: true, found: '/nonexistent does not start', only: './zklora test' });
  });

  test('test without a browser fails and says what to do', () => {
    const { status, stderr } = zklora(['test', 'no-such-file', '--yes'], { ZKLORA_BROWSER: '/nonexistent' });
    expect(status).toBe(1);
    expect(stderr).toContain('ZKLORA_BROWSER');
  });

  test('touches nothing on the system without a yes', () => {
    const { status, stderr } = zklora(['test', 'no-such-file'], { VK_DRIVER_FILES: '/nonexistent.json' });
    expect(status).toBe(1);
    expect(stderr).toContain('run this again with --yes');
  });
});

// `node driver.ts` probes and exits with 0 or 1; `node driver.ts --remedy` prints the commands that install a driver.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { AdapterInfo, KernelLimits } from '../backend/device.ts';
import { aptOffers, driverCommands, thisDistribution } from './distribution.ts';
import type { Finding } from './report.ts';

interface Probe {
  readonly adapter: AdapterInfo;
  readonly limits: KernelLimits;
  readonly features: readonly string[];
}

// The first use of a driver may compile its caches.
const PROBE_TIMEOUT_MS = 60_000;

function probe(): Probe | string {
  const child = spawnSync(process.execPath, [fileURLToPath(new URL('probe.ts', import.meta.url))], {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
  });
  if (child.status === 0) return JSON.parse(child.stdout) as Probe;
  if (child.signal !== null) return `the driver ended the probe with ${child.signal}`;
  return reasonIn(child.stderr);
}

/** Dawn's own reason for refusing a driver, out of what a failed probe wrote. */
export function reasonIn(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes('artificially reduced'));
  const refusal = lines.find((line) => /required|not supported|couldn't load|could not load/i.test(line));
  const thrown = lines.find((line) => /^[A-Za-z]*Error\b/.test(line));
  return refusal ?? thrown?.replace(/^DeviceError: /, '') ?? lines.at(-1) ?? 'the probe failed without a word';
}

/** The commands that install a driver WebGPU accepts on this machine; empty where none is known. */
export function driverRemedy(): string[] {
  return driverCommands(thisDistribution(), { root: process.getuid?.() === 0, offers: (suite) => aptOffers(suite) });
}

/** Opens a device in a process of its own and says what it is, or why there is none. */
export function driverFinding(): Finding {
  const subject = 'Vulkan driver';
  const result = probe();
  if (typeof result === 'string') {
    const remedy = driverRemedy();
    const unknown = ["Install your distribution's Vulkan drivers of Mesa 23 or newer."];
    return { subject, ok: false, found: result, remedy: remedy.length > 0 ? remedy : unknown };
  }
  const { adapter, limits, features } = result;
  return {
    subject,
    ok: true,
    found: `${adapter.description || adapter.device}${adapter.software ? ' (computes on the CPU)' : ''}`,
    remedy: [],
    details: { ...adapter, ...limits, features },
  };
}

if (import.meta.main) {
  if (process.argv[2] === '--remedy') {
    process.stdout.write(driverRemedy().join('\n'));
  } else {
    process.exitCode = driverFinding().ok ? 0 : 1;
  }
}

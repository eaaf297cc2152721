import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { aptOffers, browserCommands, driverCommands, parseOsRelease } from '../../prover/doctor/distribution.ts';
import { reasonIn } from '../../prover/doctor/driver.ts';
import { formatFindings } from '../../prover/doctor/report.ts';

const BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n';
const TRIXIE = 'VERSION_CODENAME=trixie\nID=debian\n';
const NOBLE = 'VERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n';
const MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\n';
const FEDORA = 'ID=fedora\nVERSION_CODENAME=""\n';

const asRoot = { root: true, offers: () => false };
const asUser = { root: false, offers: () => false };

describe('the driver command', () => {
  test('of Debian 12 is Mesa from backports, whose source is added once', () => {
    expect(driverCommands(parseOsRelease(BOOKWORM), asRoot)).toEqual([
      "echo 'deb http://deb.debian.org/debian bookworm-backports main' | tee /etc/apt/sources.list.d/bookworm-backports.list",
      'apt-get update',
      'apt-get install -y -t bookworm-backports mesa-vulkan-drivers libvulkan1',
    ]);
    expect(driverCommands(parseOsRelease(BOOKWORM), { root: true, offers: () => true })).toEqual([
      'apt-get update',
      'apt-get install -y -t bookworm-backports mesa-vulkan-drivers libvulkan1',
    ]);
  });

  test.each([
    ['Debian 13', TRIXIE],
    ['Ubuntu', NOBLE],
    ['a relative of Ubuntu', MINT],
  ])('of %s is its own Mesa', (_, release) => {
    expect(driverCommands(parseOsRelease(release), asRoot)).toEqual([
      'apt-get update',
      'apt-get install -y mesa-vulkan-drivers libvulkan1',
    ]);
  });

  test('uses sudo where the user is not root', () => {
    for (const release of [BOOKWORM, NOBLE, FEDORA]) {
      for (const command of driverCommands(parseOsRelease(release), asUser)) expect(command).toContain('sudo ');
    }
  });

  test('is empty where the distribution is unknown', () => {
    expect(driverCommands(parseOsRelease(''), asRoot)).toEqual([]);
  });
});

describe('the browser command', () => {
  test.each([
    ['Debian', BOOKWORM, ['apt-get update', 'apt-get install -y --no-install-recommends chromium']],
    ['Ubuntu, which has it as a snap alone', NOBLE, []],
    ['Fedora', FEDORA, ['dnf install -y chromium']],
    ['an unknown system', '', []],
  ])('of %s', (_, release, commands) => {
    expect(browserCommands(parseOsRelease(release), { root: true })).toEqual(commands);
  });

  test('uses sudo where the user is not root', () => {
    for (const command of browserCommands(parseOsRelease(BOOKWORM), { root: false }))
      expect(command).toContain('sudo ');
  });
});

describe('the search for an apt source', () => {
  let apt: string;
  beforeEach(() => {
    apt = mkdtempSync(join(tmpdir(), 'zklora-apt-'));
    mkdirSync(join(apt, 'sources.list.d'));
  });
  afterEach(() => rmSync(apt, { recursive: true }));

  test.each([
    ['sources.list', 'deb http://deb.debian.org/debian bookworm-backports main\n', true],
    ['sources.list.d/a.sources', 'Types: deb\nSuites: bookworm bookworm-backports\n', true],
    ['sources.list.d/a.list', '# deb http://deb.debian.org/debian bookworm-backports main\n', false],
    ['sources.list.d/a.list.disabled', 'deb http://deb.debian.org/debian bookworm-backports main\n', false],
    ['sources.list.d/a.list', 'deb http://deb.debian.org/debian bookworm main\n', false],
  ])('reads %s: %j', (file, text, offered) => {
    writeFileSync(join(apt, file), text);
    expect(aptOffers('bookworm-backports', apt)).toBe(offered);
  });
});

describe('what the doctor says', () => {
  test('names why Dawn refused the driver, and leaves its routine warnings out', () => {
    const stderr = [
      'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.',
      'Warning: Vulkan shaderUniformBufferArrayDynamicIndexing feature required.',
      'DeviceError: No Vulkan driver that WebGPU accepts was found on this machine.',
    ].join('\n');
    expect(reasonIn(stderr)).toBe('Warning: Vulkan shaderUniformBufferArrayDynamicIndexing feature required.');
    expect(reasonIn('\n/a/b.ts:1\n  throw x\nDeviceError: No driver.\n    at f (a.ts)\n')).toBe('No driver.');
  });

  test('puts the command below what is missing', () => {
    const text = formatFindings([
      { subject: 'memory', ok: true, found: '16 GiB', remedy: [], details: { cores: 4 } },
      { subject: 'packages', ok: false, found: 'missing', remedy: ['npm ci'] },
      { subject: 'browser', ok: false, found: 'none', only: './zklora test', remedy: ['apt-get install chromium'] },
    ]);
    expect(text.split('\n').map((line) => line.trim())).toEqual([
      'ok       memory    16 GiB',
      'cores: 4',
      'missing  packages  missing',
      '→ npm ci',
      'absent   browser   none',
      '→ apt-get install chromium',
    ]);
  });
});

// `node browser.ts` looks for a browser and exits with 0 or 1; `node browser.ts --remedy` prints the commands that install one.
import { spawnSync } from 'node:child_process';

import { browserCommands, thisDistribution } from './distribution.ts';
import type { Finding } from './report.ts';

/** Programs that are the browser in which the page is tested, under the names that distributions give it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const;
const PROBE_TIMEOUT_MS = 30_000;

/** What a program says of its version; null where it does not start. */
function versionOf(program: string): string | null {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}

/** A browser that starts; `program` is a name in PATH, or what ZKLORA_BROWSER names. */
export interface Browser {
  readonly program: string;
  readonly version: string;
}

/** Looks for a browser: the one that ZKLORA_BROWSER names, and no other then, else the usual names in PATH. */
export function findBrowser(named = process.env['ZKLORA_BROWSER']): Browser | null {
  for (const program of named === undefined || named === '' ? NAMES : [named]) {
    const version = versionOf(program);
    if (version !== null) return { program, version };
  }
  return null;
}

/** The commands that install a browser here; empty where none is known, or where ZKLORA_BROWSER names a wrong one. */
export function browserRemedy(): string[] {
  const named = process.env['ZKLORA_BROWSER'];
  if (named !== undefined && named !== '') return [];
  return browserCommands(thisDistribution(), { root: process.getuid?.() === 0 });
}

/** The browser in which the page is tested. */
export function browserFinding(): Finding {
  const [subject, only] = ['browser', './zklora test'];
  const browser = findBrowser();
  if (browser !== null) return { subject, only, ok: true, found: browser.version, remedy: [] };
  const named = process.env['ZKLORA_BROWSER'];
  const found = named === undefined || named === '' ? 'none' : `${named} does not start`;
  const remedy = browserRemedy();
  const unknown = [`${only} needs it: install Chromium or Chrome, or name its program in ZKLORA_BROWSER.`];
  return { subject, only, ok: false, found, remedy: remedy.length > 0 ? remedy : unknown };
}

if (import.meta.main) {
  if (process.argv[2] === '--remedy') process.stdout.write(browserRemedy().join('\n'));
  else process.exitCode = findBrowser() === null ? 1 : 0;
}

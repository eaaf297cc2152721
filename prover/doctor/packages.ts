// Runs before the packages are there, so it imports nothing but Node.js itself.
import { readFileSync } from 'node:fs';

import type { Finding } from './report.ts';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const ROOT = new URL('../../', import.meta.url);

function lockedPackages(path: string): ReadonlyMap<string, LockedPackage> {
  const lock = JSON.parse(readFileSync(new URL(path, ROOT), 'utf8')) as { packages: Record<string, LockedPackage> };
  return new Map(Object.entries(lock.packages).filter(([name]) => name !== ''));
}

/** Whether a package may be absent: an optional one that says it is for other platforms than this, or does not say. */
function dispensable({ optional, os, cpu, libc }: LockedPackage): boolean {
  if (optional !== true || os === undefined || cpu === undefined) return optional === true;
  const fits = os.includes(process.platform) && cpu.includes(process.arch) && (libc?.includes('glibc') ?? true);
  return !fits;
}

/**
 * Compares what npm says it installed (node_modules/.package-lock.json) with package-lock.json.
 * Packages of other platforms may be absent.
 */
export function packagesFinding(): Finding {
  const remedy = ['npm ci'];
  let installed: ReadonlyMap<string, LockedPackage>;
  try {
    installed = lockedPackages('node_modules/.package-lock.json');
  } catch {
    return { subject: 'packages', ok: false, found: 'node_modules is missing or was not made by npm', remedy };
  }
  const wanted = lockedPackages('package-lock.json');
  const wrong = [...wanted].filter(([name, entry]) => {
    const present = installed.get(name);
    if (present === undefined) return !dispensable(entry);
    return present.version !== entry.version || present.integrity !== entry.integrity;
  });
  if (wrong.length === 0) {
    return {
      subject: 'packages',
      ok: true,
      found: `${installed.size} installed as package-lock.json says`,
      remedy: [],
    };
  }
  const names = wrong.slice(0, 3).map(([name]) => name.replace(/^.*node_modules\//, ''));
  const more = wrong.length > names.length ? ` and ${wrong.length - names.length} more` : '';
  return { subject: 'packages', ok: false, found: `not as package-lock.json says: ${names.join(', ')}${more}`, remedy };
}

if (import.meta.main) process.exitCode = packagesFinding().ok ? 0 : 1;

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of os-release(5) that decide which driver package to name; empty strings where unknown. */
export interface Distribution {
  readonly id: string;
  readonly like: readonly string[];
  readonly codename: string;
}

/** Parses the text of an os-release file. */
export function parseOsRelease(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match !== null) fields.set(match[1], match[2].replace(/^(["'])(.*)\1$/, '$2'));
  }
  return {
    id: fields.get('ID') ?? '',
    like: (fields.get('ID_LIKE') ?? '').split(' ').filter((word) => word !== ''),
    codename: fields.get('VERSION_CODENAME') ?? '',
  };
}

/** The distribution of this machine. */
export function thisDistribution(): Distribution {
  return parseOsRelease(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '');
}

/** Whether any apt source of this machine offers `suite`, for example `bookworm-backports`. */
export function aptOffers(suite: string, directory = '/etc/apt'): boolean {
  const parts = join(directory, 'sources.list.d');
  const files = [
    join(directory, 'sources.list'),
    ...(existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []),
  ].filter((path) => /\.(list|sources)$/.test(path) && existsSync(path));
  return files.some((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .some((line) => !line.trimStart().startsWith('#') && line.split(/\s+/).includes(suite)),
  );
}

/** What installs Chromium; empty where no package is known, as on Ubuntu, whose own is a snap. */
export function browserCommands(distribution: Distribution, { root }: { readonly root: boolean }): string[] {
  const sudo = root ? '' : 'sudo ';
  const { id, like } = distribution;
  const is = (name: string): boolean => id === name || like.includes(name);
  if (is('ubuntu')) return [];
  if (is('debian')) return [`${sudo}apt-get update`, `${sudo}apt-get install -y --no-install-recommends chromium`];
  if (is('fedora')) return [`${sudo}dnf install -y chromium`];
  return is('arch') ? [`${sudo}pacman -S --needed chromium`] : [];
}

/** The package that brings Vulkan drivers for computing without a graphics card, and how to install it. */
export function driverCommands(
  distribution: Distribution,
  machine: { readonly root: boolean; readonly offers: (suite: string) => boolean },
): string[] {
  const sudo = machine.root ? '' : 'sudo ';
  const isDebian = (name: string): boolean => distribution.id === name || distribution.like.includes(name);
  const packages = 'mesa-vulkan-drivers libvulkan1';
  if (distribution.id === 'debian' && distribution.codename === 'bookworm') {
    // Bookworm's own Mesa 22.3 lacks the dynamic indexing that WebGPU requires.
    const suite = 'bookworm-backports';
    const source = `echo 'deb http://deb.debian.org/debian ${suite} main' | ${sudo}tee /etc/apt/sources.list.d/${suite}.list`;
    return [
      ...(machine.offers(suite) ? [] : [source]),
      `${sudo}apt-get update`,
      `${sudo}apt-get install -y -t ${suite} ${packages}`,
    ];
  }
  if (isDebian('debian') || isDebian('ubuntu')) {
    return [`${sudo}apt-get update`, `${sudo}apt-get install -y ${packages}`];
  }
  if (isDebian('fedora')) return [`${sudo}dnf install -y mesa-vulkan-drivers vulkan-loader`];
  if (isDebian('arch')) return [`${sudo}pacman -S --needed vulkan-swrast vulkan-icd-loader`];
  return [];
}

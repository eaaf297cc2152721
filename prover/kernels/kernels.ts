/** Loads the .wgsl files of this folder, joins parts, and keeps compiled pipelines per device. */
import { readFileSync } from 'node:fs';

/** A kernel's overridable constants by name. */
export type KernelConstants = Readonly<Record<string, number>>;

export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A header line such as `// parts: field.wgsl reduce.wgsl`, in the order in which they are put before the kernel. */
const PARTS = /^\/\/ parts: (.+)$/m;

function load(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

/** The WGSL text of `<name>.wgsl` with its parts before it. @throws Error when a file is missing. */
export function kernelSource(name: string): string {
  const text = load(`${name}.wgsl`);
  const parts = PARTS.exec(text)?.[1].split(' ') ?? [];
  return [...parts.map(load), text].join('\n');
}

/** Compiled kernels of one device; each has the one entry point `main` and the bind group 0. */
export class Kernels {
  readonly #device: GPUDevice;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #kernels = new Map<string, Kernel>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The pipeline of `<name>.wgsl`, compiled at its first use. Errors in WGSL reach the device's error handler. */
  get(name: string, constants: KernelConstants = {}): Kernel {
    let key = name;
    for (const constant in constants) key += ` ${constant}=${constants[constant]}`;
    let kernel = this.#kernels.get(key);
    if (kernel === undefined) {
      const pipeline = this.#device.createComputePipeline({
        label: key,
        layout: 'auto',
        compute: { module: this.#module(name), entryPoint: 'main', constants: { ...constants } },
      });
      kernel = { pipeline, layout: pipeline.getBindGroupLayout(0) };
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  #module(name: string): GPUShaderModule {
    let module = this.#modules.get(name);
    if (module === undefined) {
      module = this.#device.createShaderModule({ label: name, code: kernelSource(name) });
      this.#modules.set(name, module);
    }
    return module;
  }
}

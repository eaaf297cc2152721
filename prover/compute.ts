/** What computes: the GPU through WebGPU, or the plain reference on the CPU. */
import type { LlamaProgram } from '../protocol/program/llama.ts';
import type { Backend } from './backend/backend.ts';
import { ProverError } from './errors.ts';
import type { Engine } from './train/engine.ts';

export type ComputeKind = 'gpu' | 'cpu';

/** What a command may be asked for; auto: the GPU where a driver is accepted, else the CPU. */
export type BackendChoice = ComputeKind | 'auto';

/** A backend for proofs and engines for training on one device. */
export interface Compute {
  readonly backend: Backend;
  /** An engine for programs of this shape. */
  engine(program: LlamaProgram, options: { readonly witness: boolean }): Promise<Engine>;
  close(): void;
}

/** Opens the device. @throws DeviceError when no GPU driver is accepted */
export async function openCompute(kind: ComputeKind): Promise<Compute> {
  // Loaded on demand: the GPU's packages take a second, and the CPU needs none of them.
  if (kind === 'cpu') {
    const { createCpuBackend } = await import('./backend/cpu.ts');
    const { createCpuEngine } = await import('./train/cpu-engine.ts');
    const backend = createCpuBackend();
    return {
      backend,
      engine: async (program, options) => createCpuEngine(program, options),
      close: () => backend.close(),
    };
  }
  const { createGpuBackend } = await import('./backend/webgpu.ts');
  const { createGpuEngine } = await import('./train/gpu-engine.ts');
  const backend = await createGpuBackend();
  return {
    backend,
    engine: (program, options) => createGpuEngine(program, { ...options, device: backend.gpu }),
    close: () => backend.close(),
  };
}

/** Opens a backend alone. @throws DeviceError when a GPU is asked for and no driver is accepted */
export async function openBackend(choice: BackendChoice): Promise<Backend> {
  if (choice !== 'auto') return (await openCompute(choice)).backend;
  try {
    return (await openCompute('gpu')).backend;
  } catch (error) {
    // By its name, since the class comes with the GPU's packages.
    if (!(error instanceof ProverError && error.name === 'DeviceError')) throw error;
    return (await openCompute('cpu')).backend;
  }
}

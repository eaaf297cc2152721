import { create, globals } from 'webgpu';

import { ProverError } from '../errors.ts';

/** Why no usable GPU device could be had, or why one stopped being usable. */
export type DeviceErrorCode = 'NO_DAWN' | 'NO_ADAPTER' | 'NO_DEVICE' | 'LOST' | 'UNCAPTURED' | 'CLOSED';

/** A failure of the GPU device itself, not of a kernel's result. */
export class DeviceError extends ProverError {
  readonly code: DeviceErrorCode;

  constructor(code: DeviceErrorCode, message: string, next: string, options?: ErrorOptions) {
    super(message, next, options);
    this.code = code;
  }
}

/** What the driver says about itself; strings as Dawn reports them. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** True when the adapter computes on the CPU (llvmpipe, SwiftShader). */
  readonly software: boolean;
}

/** The limits that decide how kernels are laid out; bytes where the name says size, counts otherwise. */
export const KERNEL_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

export type KernelLimits = Readonly<Record<(typeof KERNEL_LIMITS)[number], number>>;

/** An open device with the adapter's own limits. */
export interface GpuDevice {
  /** The WebGPU device. Reading it throws the {@link DeviceError} of any earlier uncaptured error or loss. */
  readonly device: GPUDevice;
  readonly adapterInfo: AdapterInfo;
  readonly limits: KernelLimits;
  /** Whether the device was opened with `timestamp-query`. */
  readonly timestamps: boolean;
  /** Throws the {@link DeviceError} of any earlier uncaptured error or loss; call it after awaiting results. */
  check(): void;
  /** Destroys the device and its buffers. Closing twice is harmless. */
  close(): void;
}

/**
 * Robust buffer access is off because it costs a factor of 2 to 3 in memory-bound kernels on llvmpipe.
 * Kernels therefore check their own bounds.
 */
const DAWN_OPTIONS = ['enable-dawn-features=disable_robustness'];

// The WebGPU constants (GPUBufferUsage, GPUMapMode, …) are globals in browsers, and only there.
Object.assign(globalThis, globals);

// Dawn's devices die with the instance that made them, so the one instance is kept as long as the process.
let instance: GPU | undefined;

function dawn(): GPU {
  try {
    instance ??= create(DAWN_OPTIONS);
    return instance;
  } catch (cause) {
    throw new DeviceError(
      'NO_DAWN',
      'The WebGPU implementation (Dawn) could not be started.',
      'Run `./zklora doctor`; it names the missing part and the command that mends it.',
      { cause },
    );
  }
}

/**
 * The adapter that Dawn would use for proving: the fastest one whose driver it accepts.
 * @throws DeviceError NO_DAWN, NO_ADAPTER
 */
export async function requestAdapter(): Promise<GPUAdapter> {
  const adapter = await dawn().requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new DeviceError(
      'NO_ADAPTER',
      'No Vulkan driver that WebGPU accepts was found on this machine.',
      'Run `./zklora doctor`; it names the driver package to install. A graphics card is not needed: Mesa 23 or newer computes on the CPU.',
    );
  }
  return adapter;
}

/** What the adapter says about itself. */
export function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  return { vendor, architecture, device, description, software: isFallbackAdapter };
}

/** The limits in {@link KERNEL_LIMITS} of an adapter or a device. */
export function kernelLimits(limits: GPUSupportedLimits): KernelLimits {
  return Object.fromEntries(KERNEL_LIMITS.map((name) => [name, limits[name]])) as KernelLimits;
}

class OpenDevice implements GpuDevice {
  readonly adapterInfo: AdapterInfo;
  readonly limits: KernelLimits;
  readonly timestamps: boolean;
  readonly #device: GPUDevice;
  // Held so that neither is collected while the device lives.
  readonly #adapter: GPUAdapter;
  #failure: DeviceError | undefined;

  constructor(adapter: GPUAdapter, device: GPUDevice) {
    this.#adapter = adapter;
    this.#device = device;
    this.adapterInfo = describeAdapter(this.#adapter);
    this.limits = kernelLimits(device.limits);
    this.timestamps = device.features.has('timestamp-query');
    device.addEventListener('uncapturederror', (event) => {
      this.#fail('UNCAPTURED', `The GPU reported an error: ${event.error.message}`);
    });
    void device.lost.then((info) => {
      this.#fail('LOST', `The GPU device was lost: ${info.message || info.reason}`);
    });
  }

  get device(): GPUDevice {
    this.check();
    return this.#device;
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    if (this.#failure?.code === 'CLOSED') return;
    this.#failure = new DeviceError('CLOSED', 'The GPU device was already closed.', 'Open a new device.');
    this.#device.destroy();
  }

  /** Keeps the first failure: later ones are mostly its consequences. */
  #fail(code: DeviceErrorCode, message: string): void {
    this.#failure ??= new DeviceError(
      code,
      message,
      'Run the command again; if it fails in the same place, `./zklora doctor` shows the driver and its limits for a report.',
    );
  }
}

/**
 * Opens a device with the adapter's full limits, on the one Dawn instance of this process.
 * @throws DeviceError NO_DAWN, NO_ADAPTER, NO_DEVICE
 */
export async function openDevice(): Promise<GpuDevice> {
  const adapter = await requestAdapter();
  const requiredFeatures: GPUFeatureName[] = adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
  try {
    const device = await adapter.requestDevice({ requiredFeatures, requiredLimits: kernelLimits(adapter.limits) });
    return new OpenDevice(adapter, device);
  } catch (cause) {
    throw new DeviceError(
      'NO_DEVICE',
      `The driver ${adapter.info.description || adapter.info.device} refused to open a device.`,
      'Run `./zklora doctor`; another process may hold the GPU, or its memory may be full.',
      { cause },
    );
  }
}

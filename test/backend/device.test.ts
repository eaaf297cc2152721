import { describe, expect, test } from 'vitest';

import { DeviceError, KERNEL_LIMITS, openDevice } from '../../prover/backend/device.ts';

describe('the GPU device', () => {
  test('opens with limits above the defaults of WebGPU, and computes', async () => {
    const gpu = await openDevice();
    for (const name of KERNEL_LIMITS) expect(gpu.limits[name]).toBe(gpu.device.limits[name]);
    expect(gpu.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);

    const buffer = gpu.device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.of(1, 2, 3, 4));
    await buffer.mapAsync(GPUMapMode.READ);
    expect([...new Uint32Array(buffer.getMappedRange())]).toEqual([1, 2, 3, 4]);
    gpu.check();
    gpu.close();
  });

  test('throws an uncaptured error at the next use', async () => {
    const gpu = await openDevice();
    gpu.device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    expect(() => gpu.check()).toThrow(DeviceError);
    expect(() => gpu.device).toThrow(expect.objectContaining({ code: 'UNCAPTURED' }));
    gpu.close();
  });

  test('refuses use after close, and another one opens', async () => {
    const gpu = await openDevice();
    gpu.close();
    gpu.close();
    expect(() => gpu.device).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    const again = await openDevice();
    expect(again.device.queue).toBeDefined();
    again.close();
  });
});

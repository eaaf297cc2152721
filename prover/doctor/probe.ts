// Run as a process of its own: a broken driver may end the process, and Dawn writes its reasons to standard error.
import { describeAdapter, kernelLimits, openDevice, requestAdapter } from '../backend/device.ts';

const adapter = await requestAdapter();
const gpu = await openDevice();
gpu.close();
process.stdout.write(
  JSON.stringify({
    adapter: describeAdapter(adapter),
    limits: kernelLimits(adapter.limits),
    features: [...adapter.features].sort(),
  }),
);

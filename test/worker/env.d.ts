import type { Env as WorkerEnv } from '../../worker/env.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      readonly PROOFS: WorkerEnv['PROOFS'];
      readonly MAX_PROOF_BYTES: string;
    }
    interface GlobalProps {
      mainModule: typeof import('../../worker/index.ts');
    }
  }
}

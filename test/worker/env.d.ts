import type { D1Migration } from '@cloudflare/vitest-plugin';

import type { Env as WorkerEnv } from '../../worker/env.ts';

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** Of the index; `migrate.ts` applies them. */
      readonly MIGRATIONS: D1Migration[];
      /** Not empty where tests that take long are wanted whole. */
      readonly FULL: string;
    }
    interface GlobalProps {
      mainModule: typeof import('../../worker/index.ts');
    }
  }
}

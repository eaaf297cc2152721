/** A worker whose index lacks tables, as after a deployment without `wrangler d1 migrations apply`. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';

import { ask, problemIn, withKey } from './client.ts';

test('an index without a table is the operator’s to mend, and the command is told', async () => {
  await env.INDEX.exec('DROP TABLE attesters');
  const problem = await problemIn(await ask('/verifiers', {}, withKey));
  expect(problem).toMatchObject({ status: 500, code: 'WORKER_SETTING' });
  expect(problem.next).toContain('d1 migrations apply');
  expect(JSON.stringify(problem)).not.toContain('attesters');
});

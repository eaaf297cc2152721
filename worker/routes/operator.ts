import { checksumAddress, type Hex } from '../../protocol/attestation.ts';
import { sourcesOf } from '../answers/sources.ts';
import { verifiersAnswer } from '../answers/verifiers.ts';
import { attesterStates, windowConflict } from '../attesters.ts';
import { requireOperator } from '../auth.ts';
import { invalid, notFound, Problem } from '../problems.ts';
import { declared, routes } from '../serve.ts';
import { KeyStore } from '../store/keys.ts';
import { rebuildIndex } from '../store/rebuild.ts';
import { Store } from '../store/store.ts';

const SECRET = { 'cache-control': 'no-store' } as const;

const seconds = (): number => Math.floor(Date.now() / 1000);

const conflict = (detail: string, next: string): Problem => new Problem(409, { code: 'CONFLICT', detail, next });

/** An address in ERC-55; one with other capitals was mistyped. @throws Problem (400) */
function exactAddress(address: string): Hex {
  const exact = checksumAddress(address as Hex);
  if (address === exact || address === address.toLowerCase()) return exact;
  throw invalid('json', [{ path: ['address'], message: 'its capitals are not those of its checksum (ERC-55)' }]);
}

/** Routes for the operator, who is asked for the key before anything else is looked at but the form of the request. */
export const operatorRoutes = routes()
  .openapi(declared('keys'), async (c) => {
    await requireOperator(c);
    return c.json({ keys: await new KeyStore(c.env).list() }, 200, SECRET);
  })
  .openapi(declared('createKey'), async (c) => {
    await requireOperator(c);
    const { key, text } = await new KeyStore(c.env).create(c.req.valid('json').name, seconds());
    return c.json({ ...key, key: text }, 201, SECRET);
  })
  .openapi(declared('revokeKey'), async (c) => {
    await requireOperator(c);
    const { id } = c.req.valid('param');
    const key = await new KeyStore(c.env).revoke(id, seconds());
    if (key === null) throw notFound(`There is no API key ${id}.`, 'GET /operator/keys lists those there are.');
    return c.json(key, 200, SECRET);
  })
  .openapi(declared('withdrawVerifier'), async (c) => {
    await requireOperator(c);
    const { digest } = c.req.valid('param');
    const { reason } = c.req.valid('json');
    // Again with the same reason is fine: whoever got no answer the first time asks again.
    const kept = await new Store(c.env).withdraw(digest, { at: seconds(), reason });
    if (kept.reason !== reason) {
      const since = new Date(kept.at * 1000).toISOString();
      const detail = `The verifier version was withdrawn on ${since} with another reason: ${kept.reason}`;
      throw conflict(detail, 'The first withdrawal stands; there is nothing left to do.');
    }
    return c.json(await verifiersAnswer(await sourcesOf(c.env)), 200, SECRET);
  })
  .openapi(declared('announceAttester'), async (c) => {
    await requireOperator(c);
    const { validFrom, validUntil, ...named } = c.req.valid('json');
    const address = exactAddress(named.address);
    if (validUntil !== null && validUntil <= validFrom)
      throw invalid('json', [{ path: ['validUntil'], message: 'the window ends before it begins' }]);
    const store = new Store(c.env);
    const now = seconds();
    const window = { address, validFrom, validUntil };
    const kept = (await store.attesters()).find((each) => each.address === address);
    const why = windowConflict(window, kept, now);
    if (why !== null) throw conflict(why, 'Make a new key and announce that one.');
    await store.announceAttester(window, now);
    const states = await attesterStates(c.env, store, now);
    return c.json(
      states.find((each) => each.address === address)!,
      200,
      SECRET,
    );
  })
  .openapi(declared('rebuildIndex'), async (c) => {
    await requireOperator(c);
    const { mode, cursor } = c.req.valid('query');
    const { differences, ...page } = await rebuildIndex(c.env, mode, cursor ?? null);
    return c.json({ ...page, differences: [...differences] }, 200, SECRET);
  });

/** Makes the tables of the index before the tests of a file. */
import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

await applyD1Migrations(env.INDEX, env.MIGRATIONS);

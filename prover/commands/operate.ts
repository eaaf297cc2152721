import { Option, type Command } from 'commander';

import type { Output } from '../operate/text.ts';

const service = (): Option => new Option('--to <url>', 'the service').makeOptionMandatory();

/** A subcommand that asks a service. */
function asking(group: Command, name: string, description: string): Command {
  const json = new Option('--json', 'print the answer as JSON').default(false);
  return group.command(name).description(description).addOption(service()).addOption(json);
}

function registerKeys(operate: Command): void {
  const keys = operate.command('keys').description('API keys, which may submit and have webhooks');
  asking(keys, 'create <name>', 'create a key and print it, this once').action(async (name: string, output: Output) => {
    await (await import('../operate/keys.ts')).createKey(name, output);
  });
  asking(keys, 'list', 'list keys, without what is secret').action(async (output: Output) => {
    await (await import('../operate/keys.ts')).listKeys(output);
  });
  asking(keys, 'revoke <id>', 'revoke a key and remove its webhooks').action(async (id: string, output: Output) => {
    await (await import('../operate/keys.ts')).revokeKey(id, output);
  });
}

function registerWebhooks(operate: Command): void {
  const webhooks = operate.command('webhooks').description('webhooks of the API key in ZKLORA_API_KEY');
  asking(webhooks, 'add <url>', 'have events posted to an https URL; prints the secret of their signatures, this once')
    .requiredOption('--events <types...>', 'run.complete, adapter.anchored, adapter.revoked, verifier.withdrawn')
    .action(async (url: string, { events, ...output }: Output & { events: string[] }) => {
      await (
        await import('../operate/webhooks.ts')
      ).addWebhook(
        url,
        events.flatMap((types) => types.split(',')),
        output,
      );
    });
  asking(webhooks, 'list', 'list webhooks').action(async (output: Output) => {
    await (await import('../operate/webhooks.ts')).listWebhooks(output);
  });
  asking(webhooks, 'remove <id>', 'remove a webhook').action(async (id: string, output: Output) => {
    await (await import('../operate/webhooks.ts')).removeWebhook(id, output);
  });
}

function registerVerifiers(operate: Command): void {
  const verifiers = operate.command('verifiers').description('verifier versions');
  asking(verifiers, 'list', 'list versions, withdrawn ones among them').action(async (output: Output) => {
    await (await import('../operate/verifiers.ts')).listVerifiers(output);
  });
  asking(verifiers, 'withdraw <digest>', 'mark a version as withdrawn: what it verified counts no more, for ever')
    .requiredOption('--reason <text>', 'why, for readers')
    .action(async (digest: string, { reason, ...output }: Output & { reason: string }) => {
      await (await import('../operate/verifiers.ts')).withdrawVerifier(digest, reason, output);
    });
}

function registerAttesters(operate: Command): void {
  const attesters = operate.command('attesters').description('attesting keys and their validity');
  asking(attesters, 'list', 'list keys, and which of them sign').action(async (output: Output) => {
    await (await import('../operate/verifiers.ts')).listAttesters(output);
  });
  asking(attesters, 'announce <address>', 'tell from when until when a key attests')
    .requiredOption('--from <time>', 'now, a date, or a date and time in UTC')
    .option('--until <time>', 'the same; absent: open')
    .action(async (address: string, options: Output & { from: string; until?: string }) => {
      await (await import('../operate/verifiers.ts')).announceAttester(address, options);
    });
}

function registerIndex(operate: Command): void {
  const index = operate.command('index').description('the index, which follows from the bucket');
  for (const [name, mode, description] of [
    ['rebuild', 'mend', 'compare the index with the bucket and mend it'],
    ['check', 'check', 'compare alone; the exit status is 1 where they differ'],
  ] as const) {
    asking(index, name, description)
      .option('--cursor <text>', 'go on where an earlier call broke off')
      .action(async (options: Output & { cursor?: string }) => {
        process.exitCode = await (await import('../operate/index-pages.ts')).indexPages(mode, options);
      });
  }
}

/** `./zklora operate keys|webhooks|verifiers|attesters|index … --to URL` */
export function register(program: Command): void {
  const operate = program
    .command('operate')
    .description('run a verification service; the operator’s key is taken from ZKLORA_OPERATOR_KEY');
  registerKeys(operate);
  registerWebhooks(operate);
  registerVerifiers(operate);
  registerAttesters(operate);
  registerIndex(operate);
}

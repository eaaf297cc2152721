import { startHardhat, type HardhatProcess } from './hardhat.ts';
import { connect } from './connection.ts';
import { HardhatError } from './errors.ts';

/** Milliseconds that the node may take to end before it is killed. */
const PATIENCE = 3_000;

/** A local chain. */
export interface LocalChain {
  readonly rpcUrl: string;
  /** Ends the node and all that it started; may be called again. */
  stop(): Promise<void>;
}

/** Signals a whole process group; false where it is gone. */
function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

async function stopGroup({ child, ended }: HardhatProcess): Promise<void> {
  const leader = child.pid;
  if (leader === undefined) return;
  signalGroup(leader, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(leader, 'SIGKILL'), PATIENCE);
  await ended.catch(() => null);
  clearTimeout(timer);
  // The leader may be gone before others of its group.
  signalGroup(leader, 'SIGKILL');
}

/** Waits for the line that names the node's URL. Throws `HardhatError` when the node ends before. */
function announcedUrl(node: HardhatProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    node.onOutput((text) => {
      printed += text;
      const url = /server at (http:\/\/127\.0\.0\.1:\d+)\//.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
    const failed = () => reject(new HardhatError('the local chain ended before it answered', node.output()));
    node.ended.then(failed, failed);
  });
}

/**
 * Starts a chain of its own on 127.0.0.1, with Hardhat's funded test accounts, and waits until it answers. The chain ends
 * with `stop`, and at the latest when this process exits; a handler of SIGINT or SIGTERM has to let it exit.
 * @param options.port a free one where absent
 * @throws HardhatError when the node ends before it answers, for instance because the port is taken
 */
export async function startHardhatNode(options: { readonly port?: number } = {}): Promise<LocalChain> {
  const node = startHardhat(['node', '--hostname', '127.0.0.1', '--port', String(options.port ?? 0)]);
  const killAtExit = () => {
    if (node.child.pid !== undefined) signalGroup(node.child.pid, 'SIGKILL');
  };
  process.once('exit', killAtExit);
  const stop = async () => {
    await stopGroup(node);
    process.removeListener('exit', killAtExit);
  };
  try {
    const rpcUrl = await announcedUrl(node);
    await connect({ rpcUrl });
    return { rpcUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

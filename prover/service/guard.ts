// Runs a Node program, `node guard.ts FILE [ARGUMENT …]`, at the head of a process group, and ends the whole group when
// standard input closes: when whoever holds its other end asks for it or is gone, even by SIGKILL.
import { spawn } from 'node:child_process';

/** Milliseconds that the program may take to end by itself. */
const PATIENCE = 3_000;

const child = spawn(process.execPath, process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit'] });
let ending = false;

function endGroup(): never {
  // This process is of the group too.
  process.kill(-process.pid, 'SIGKILL');
  process.exit(1);
}

function end(): void {
  if (ending) return;
  ending = true;
  child.kill('SIGTERM');
  setTimeout(endGroup, PATIENCE);
}

process.stdin.on('end', end).on('close', end).on('error', end).resume();
process.on('SIGTERM', end).on('SIGINT', end);
child.once('exit', endGroup).once('error', endGroup);

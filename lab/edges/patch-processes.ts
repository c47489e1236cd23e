import child_process, { ChildProcess } from 'node:child_process';
import type { Edge } from './edge.ts';
import { programName } from './names.ts';

type Any = (this: unknown, ...args: unknown[]) => unknown;

/** Watches the starting of processes and the signals for them. A guard gets the watch passed on: it has no environment. */
export function patchProcesses(edge: Edge, passedOn: Readonly<Record<string, string>>): void {
  const module = child_process as unknown as Record<string, Any>;
  for (const name of ['spawn', 'fork']) {
    const original = module[name] as Any;
    module[name] = function (this: unknown, file: unknown, args: unknown, options: unknown) {
      const words = Array.isArray(args) ? args.map(String) : [];
      const given = { ...(options as { env?: object }) };
      if (given.env && file === process.execPath) given.env = { ...given.env, ...passedOn };
      const ended = edge.begin(`${name} ${programName(String(file), words)}`);
      const child = original.call(this, file, args, given);
      ended();
      return child;
    };
  }

  const kill = process.kill.bind(process);
  process.kill = (pid, signal = 'SIGTERM') => {
    const ended = signal === 0 ? () => {} : edge.begin(`kill ${signal}`);
    const done = kill(pid, signal);
    ended();
    return done;
  };
  const child = ChildProcess.prototype as unknown as Record<string, Any>;
  const killChild = child['kill'] as Any;
  child['kill'] = function (this: unknown, signal: unknown = 'SIGTERM') {
    const ended = signal === 0 ? () => {} : edge.begin(`kill ${JSON.stringify(signal)}`);
    const done = killChild.call(this, signal);
    ended();
    return done;
  };
}

import { Server, Socket } from 'node:net';
import { basename } from 'node:path';
import type { Edge } from './edge.ts';
import { requestIn, stable } from './names.ts';

type Any = (this: unknown, ...args: unknown[]) => unknown;

/** Watches what is sent into unix sockets that this process connected to, and which it makes. */
export function patchSockets(edge: Edge): void {
  const peers = new WeakMap<object, string>();
  const socket = Socket.prototype as unknown as Record<string, Any>;
  const { connect, write } = socket as { connect: Any; write: Any };

  socket['connect'] = function (this: unknown, ...args: unknown[]) {
    const path = pathIn(args[0]);
    if (path !== undefined) peers.set(this as object, stable(basename(path)));
    return connect.apply(this, args);
  };

  socket['write'] = function (this: unknown, data: unknown, ...rest: unknown[]) {
    const peer = peers.get(this as object);
    if (peer === undefined) return write.call(this, data, ...rest);
    const ended = edge.begin(`${peer} ${requestIn(data)}`);
    const given = rest.at(-1);
    const written = (...results: unknown[]) => {
      ended();
      if (typeof given === 'function') (given as Any)(...results);
    };
    const others = typeof given === 'function' ? rest.slice(0, -1) : rest;
    return write.call(this, data, ...others.filter((each) => each !== undefined), written);
  };

  const server = Server.prototype as unknown as Record<string, Any>;
  const { listen } = server as { listen: Any };
  server['listen'] = function (this: unknown, ...args: unknown[]) {
    const path = pathIn(args[0]);
    const ended = path === undefined ? () => {} : edge.begin(`listen ${stable(basename(path))}`);
    const result = listen.apply(this, args);
    ended();
    return result;
  };
}

/** The path of a unix socket, as `connect` and `listen` take it. Names that are in no file system are not ours. */
function pathIn(where: unknown): string | undefined {
  // `net.connect` hands its arguments on in an array.
  const first: unknown = Array.isArray(where) ? where[0] : where;
  const path: unknown =
    typeof first === 'object' && first !== null ? (first as { path?: unknown }).path : first;
  return typeof path === 'string' && path.startsWith('/') ? path : undefined;
}

import type { Returns } from '../qemu/qmp/commands.ts';

type Reply = Returns<'x-debug-query-block-graph'>;

/**
 * The block graph by node names. `x-debug-query-block-graph` is the one query of nodes that never kills QEMU: on 5.2
 * `query-named-block-nodes` does while a finished backup job is not dismissed.
 */
export class BlockGraph {
  readonly nodes: readonly string[];
  readonly #childOf: ReadonlyMap<string, string>;

  constructor(reply: Reply) {
    const nameOf = new Map(
      reply.nodes.filter(({ type }) => type === 'block-driver').map(({ id, name }) => [id, name]),
    );
    this.nodes = [...nameOf.values()];
    this.#childOf = new Map(
      reply.edges.flatMap(({ parent, child, name }) => {
        const [above, below] = [nameOf.get(parent), nameOf.get(child)];
        return above !== undefined && below !== undefined ? [[`${above}\n${name}`, below]] : [];
      }),
    );
  }

  /** The node below `node` by that link, as `file`. */
  child(node: string, link: string): string | undefined {
    return this.#childOf.get(`${node}\n${link}`);
  }
}

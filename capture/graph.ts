import type { Returns } from '../qemu/qmp/commands.ts';

type Reply = Returns<'x-debug-query-block-graph'>;
type Edge = { readonly above: string | undefined; readonly link: string; readonly below: string };

/**
 * The block graph by node names. `x-debug-query-block-graph` is the one query of nodes that never kills QEMU: on 5.2
 * `query-named-block-nodes` does while a finished backup job is not dismissed.
 */
export class BlockGraph {
  readonly nodes: readonly string[];
  /** `above` is left out for what is no node: a device, an export, a job. */
  readonly #edges: readonly Edge[];

  constructor(reply: Reply) {
    const nameOf = new Map(
      reply.nodes.filter(({ type }) => type === 'block-driver').map(({ id, name }) => [id, name]),
    );
    this.nodes = [...nameOf.values()];
    this.#edges = reply.edges.flatMap(({ parent, child, name: link }) => {
      const below = nameOf.get(child);
      return below === undefined ? [] : [{ above: nameOf.get(parent), link, below }];
    });
  }

  /** Whether QEMU tells which node lies below which: from 4.0 on. */
  get hasEdges(): boolean {
    return this.#edges.length > 0;
  }

  /** The node below `node` by that link, as `file`. */
  child(node: string, link: string): string | undefined {
    return this.#edges.find((edge) => edge.above === node && edge.link === link)?.below;
  }

  /** The nodes above `node`. */
  parents(node: string): string[] {
    return this.#edges.flatMap(({ above, below }) =>
      below === node && above !== undefined ? [above] : [],
    );
  }

  /** Whether the node has nothing above it and nothing below. */
  isLoose(node: string): boolean {
    return !this.#edges.some(({ above, below }) => above === node || below === node);
  }

  /** Whether a device or an export has the node as its own. */
  isRoot(node: string): boolean {
    return this.#edges.some(
      ({ above, link, below }) => below === node && above === undefined && link === 'root',
    );
  }
}

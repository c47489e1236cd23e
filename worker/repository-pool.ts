import { RemoteRepository } from '../repository/remote.ts';

/** One repository a folder, each with child processes of its own: one that hangs keeps no other from answering. */
export class RepositoryPool {
  readonly #open = new Map<string, RemoteRepository>();

  at(folder: string): RemoteRepository {
    const repository = this.#open.get(folder) ?? new RemoteRepository(folder);
    this.#open.set(folder, repository);
    return repository;
  }

  close(): void {
    for (const repository of this.#open.values()) repository.close();
  }
}

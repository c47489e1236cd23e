import { sentinel } from '../../qemu/qga/messages.ts';
import { serveOneByOne, type UnixServer } from './unix-server.ts';

/** A guest agent on a unix socket, which does what it is told one after another, like the real one. */
export class AgentOnSocket implements AsyncDisposable {
  /** The commands that were run, without syncs. */
  readonly commands: string[] = [];
  frozen = false;
  /** Answers freezes with an error, after having frozen. */
  failsToFreeze = false;
  /** Answers thaws with an error, after having thawed. */
  failsToThaw = false;
  /** Resolves when the guest's processors run: without them it reads nothing. */
  running: () => Promise<void> = async () => {};
  /** What it answers to `guest-get-fsinfo`; left out, it is an agent that does not know the command. */
  fileSystems: readonly { readonly name: string; readonly mountpoint: string }[] | undefined;
  /** The mount points of the last freeze that named some. */
  frozenList: readonly string[] | undefined;
  /** How often a thaw is answered, and does nothing. */
  thawsInVain = 0;
  /** Says so beside every answer. */
  garbage = '';
  /** Runs these, but its answers stay away until `recover`. */
  readonly muteTo = new Set<string>();
  #recover: () => void = () => {};
  #recovered: Promise<void> = Promise.resolve();
  #server: UnixServer | undefined;
  #end: () => void = () => {};
  readonly #over = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  static async listen(path: string): Promise<AgentOnSocket> {
    const agent = new AgentOnSocket();
    agent.#server = await serveOneByOne(path, (say, lines) => agent.#serve(say, lines));
    return agent;
  }

  /** From now on the agent hangs when it is told one of these. */
  hangsOn(...commands: readonly string[]): void {
    for (const command of commands) this.muteTo.add(command);
    this.#recovered = new Promise((resolve) => {
      this.#recover = resolve;
    });
  }

  /** Catches up with what it was told meanwhile. */
  recover(): void {
    this.muteTo.clear();
    this.#recover();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.recover();
    this.#end();
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #serve(say: (text: string) => void, lines: AsyncIterable<string>): Promise<void> {
    for await (const line of lines) {
      await Promise.race([this.running(), this.#over]);
      const { execute, arguments: args } = JSON.parse(line.replaceAll(sentinel, ''));
      if (execute !== 'guest-sync-delimited') this.commands.push(execute);
      const answer = this.#run(execute, args);
      // While it hangs it reads nothing more: what follows waits behind.
      if (this.muteTo.has(execute)) await this.#recovered;
      say(`${this.garbage}${answer}\n`);
    }
  }

  #run(execute: string, args: { id?: number; mountpoints?: string[] } | undefined): string {
    if (execute === 'guest-sync-delimited') return `${sentinel}{"return": ${args?.id}}`;
    if (execute === 'guest-get-fsinfo')
      return this.fileSystems
        ? JSON.stringify({ return: this.fileSystems })
        : '{"error": {"class": "CommandNotFound", "desc": "no such command"}}';
    if (execute === 'guest-fsfreeze-freeze-list') {
      this.frozen = true;
      this.frozenList = args?.mountpoints;
      const frozen = this.fileSystems?.filter(({ mountpoint }) =>
        args?.mountpoints?.includes(mountpoint),
      );
      return `{"return": ${new Set(frozen?.map(({ name }) => name)).size}}`;
    }
    if (execute === 'guest-fsfreeze-freeze') {
      this.frozen = true;
      if (this.failsToFreeze)
        return '{"error": {"class": "GenericError", "desc": "cannot freeze /"}}';
      return '{"return": 2}';
    }
    if (execute === 'guest-fsfreeze-thaw') {
      const thawed = this.frozen ? 2 : 0;
      if (this.thawsInVain-- <= 0) this.frozen = false;
      if (this.failsToThaw)
        return '{"error": {"class": "GenericError", "desc": "the freeze had timed out"}}';
      return `{"return": ${thawed}}`;
    }
    return `{"return": "${this.frozen ? 'frozen' : 'thawed'}"}`;
  }
}

import { StartError } from './errors.ts';
import { freePorts } from './free-ports.ts';
import { loadSetup } from './setup.ts';
import { makeTempFolder } from './temp-folder.ts';
import { TemporalServer } from './temporal-server.ts';

/** A server to start. */
export type TemporalOptions = {
  /** Serve the Web UI too. Default: no. */
  readonly ui?: boolean;
  /** The server's own settings, such as `{ 'history.transferProcessorMaxPollRPS': 5000 }`. */
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** Let it live on when this process ends. Default: no. */
  readonly outlive?: boolean;
};

/**
 * Starts a real Temporal development server on free loopback ports, with its database in a file, and waits until its
 * namespace `default` is there. It knows no search attributes: registering them is the worker's. `SetupMissingError`
 * before `npm run setup`, `StartError` when it does not come up.
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<TemporalServer> {
  const { ui = false, dynamicConfig = {}, outlive = false } = options;
  const { temporal: cli } = await loadSetup();
  const temp = await makeTempFolder();
  for (let attempt = 1; ; attempt++) {
    const [port = 0, metricsPort = 0, freePort = 0] = await freePorts(3);
    const uiPort = ui ? freePort : undefined;
    try {
      const settings = { dynamicConfig, outlive };
      return await TemporalServer.start({ temp, cli, port, metricsPort, uiPort, ...settings });
    } catch (error) {
      // Somebody may have taken a port in between.
      if (error instanceof StartError && attempt < 3) continue;
      await temp[Symbol.asyncDispose]();
      throw error;
    }
  }
}

import type { QmpClient } from '../qemu/qmp/client.ts';

/** The copy jobs of the product in a machine, known by their names. */
export async function copyJobs(qmp: QmpClient): Promise<string[]> {
  const jobs = await qmp.execute('query-jobs', {});
  return jobs.map(({ id }) => id).filter((id) => /^sp-.*j$/.test(id));
}

/** Limits jobs, as the monitor spells it (`16M` a second); `0` is no limit. */
export async function setSpeed(
  qmp: QmpClient,
  jobs: readonly string[],
  speed: string,
): Promise<void> {
  for (const job of jobs) {
    const line = `block_job_set_speed ${job} ${speed}`;
    await qmp.execute('human-monitor-command', { 'command-line': line });
  }
}

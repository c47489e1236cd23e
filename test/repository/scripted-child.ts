/*
 * Stands in for `repository/child.ts`: `open` is never answered, `publish` makes progress for longer than any
 * deadline of the tests before it is answered, `verify` makes progress once and is then silent, `list` ends the process,
 * `survey` and `delete` are answered at once.
 */
import type { Reply, Request } from '../../repository/wire.ts';

const progressEveryMs = 50;
const progressTimes = 60;

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (request: Request) => {
  const { id, call } = request;
  if (call === 'list') {
    console.error('something broke in here');
    process.exit(3);
  }
  if (call === 'verify') tell({ id, doneBytes: 1 });
  if (call === 'survey' || call === 'delete') tell({ id, result: { pid: process.pid } });
  if (call === 'publish') work(id);
});

function work(id: number): void {
  let times = 0;
  const timer = setInterval(() => {
    times += 1;
    tell({ id, doneBytes: times });
    if (times < progressTimes) return;
    clearInterval(timer);
    tell({ id, result: { pid: process.pid } });
  }, progressEveryMs);
}

function tell(reply: Reply): void {
  process.send?.(reply);
}

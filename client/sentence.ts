import { finishedSentence } from './finished-sentence.ts';
import { formatBytes } from './format-amounts.ts';
import type { Message } from './output.ts';
import { phaseInWords, servedLine, statusSentence } from './status-sentence.ts';

/** What a message says to people. Empty when it says nothing that its predecessors have not said. */
export function sentence(message: Message): string {
  switch (message.type) {
    case 'started':
      return `${message.vm}: ${message.workflowId.startsWith('export/') ? 'export' : 'backup'} started (workflow ${message.workflowId})`;
    case 'phase':
      return `${message.vm}: ${phaseInWords[message.phase]}${message.phase === 'waiting' ? `; why: stillpoint status ${message.vm}` : ''}`;
    case 'progress':
      return `${message.vm}: ${[message.step, message.device].filter(Boolean).join(' ')} ${message.percent} % of ${formatBytes(message.totalBytes)}`;
    case 'waiting':
      return message.pollers === 0
        ? `${message.vm}: no worker polls the task queue ${message.taskQueue}, so the backup waits. Start one there: stillpoint worker`
        : `${message.vm}: waiting for a worker on the task queue ${message.taskQueue}. ${message.pollers} polled it lately: is it busy, or was it just stopped?`;
    case 'retrying':
      return `${message.vm}: ${message.activity} failed (${message.error.type}: ${message.error.message}) and is tried again, attempt ${message.attempt}`;
    case 'note':
      return message.message;
    case 'backup':
      return [
        message.vm,
        message.backupId,
        message.kind.padEnd(12),
        message.consistency.padEnd(10),
        formatBytes(message.bytes).padStart(10),
        message.devices.join(','),
        ...(message.warnings.length > 0 ? [`(${message.warnings.join('; ')})`] : []),
      ].join('  ');
    case 'checkpoint':
      return [
        message.vm,
        message.backupId,
        'checkpoint'.padEnd(12),
        message.consistency.padEnd(10),
        message.devices.join(','),
      ].join('  ');
    case 'served':
      return [
        `${message.vm}: its disks can be read now. Then: stillpoint export-complete ${message.vm}`,
        ...message.disks.map(servedLine),
      ].join('\n');
    case 'broken':
      return `${message.vm}: not a usable backup: ${message.problem}`;
    case 'status':
      return statusSentence(message);
    case 'check':
      return `${message.state.padEnd(7)}  ${message.vm === undefined ? '' : `${message.vm}: `}${message.check}: ${message.message}${message.advice === undefined ? '' : `\n         ${message.advice}`}`;
    case 'restored':
      return message.alreadyThere
        ? `${message.vm}: ${message.device} is already restored, byte for byte: ${message.file}`
        : `${message.vm}: ${message.device} restored to ${message.file}`;
    case 'finished':
      return finishedSentence(message);
    case 'failed':
      return `stillpoint: ${message.error.message}`;
  }
}

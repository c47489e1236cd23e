/**
 * Errors thrown by `qemu/`. This file imports nothing, so that workflow code may name its classes.
 *
 *   QemuError
 *   ├─ QmpConnectError        no connection: nothing was sent
 *   ├─ QmpBusyError           connected, but QEMU sent no greeting: another client holds the socket, or QEMU hangs
 *   ├─ QmpDisconnectedError   the connection ended first: the command may have run
 *   ├─ QmpTimeoutError        the command's own deadline passed: it may still run
 *   ├─ QmpProtocolError       a message had not the agreed shape, ours or QEMU's
 *   ├─ QmpCommandError        QEMU answered with an error
 *   ├─ BlockJobError          a block job concluded without success
 *   ├─ AgentConnectError      no connection to the guest agent: nothing was sent
 *   ├─ AgentDisconnectedError the connection to the agent ended first: the command may have run
 *   ├─ AgentTimeoutError      the agent did not answer in time: the command may still run
 *   ├─ AgentCommandError      the agent answered with an error
 *   ├─ ToolError              qemu-img or qemu-io failed, or did not end in time
 *   ├─ ReceiverError          a receiver did not start, answer, flush or end
 *   └─ NbdError               an NBD server refused, answered nonsense, or hung up
 *
 * Temporal records the class name as the failure's `type`, so renaming a class here changes what retry
 * policies match and what operators search for.
 */
export abstract class QemuError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class QmpConnectError extends QemuError {}

export class QmpBusyError extends QemuError {}

export class QmpDisconnectedError extends QemuError {}

export class QmpTimeoutError extends QemuError {}

export class QmpProtocolError extends QemuError {}

/** QEMU refused a command. `errorClass` is nearly always `GenericError`, so do not branch on it. */
export class QmpCommandError extends QemuError {
  readonly command: string;
  readonly errorClass: string;

  constructor(command: string, error: { class: string; desc: string }) {
    super(`${command}: ${error.desc}`);
    this.command = command;
    this.errorClass = error.class;
  }
}

export class BlockJobError extends QemuError {
  readonly jobId: string;

  constructor(jobId: string, reason: string) {
    super(`block job ${jobId}: ${reason}`);
    this.jobId = jobId;
  }
}

export class AgentConnectError extends QemuError {}

export class AgentDisconnectedError extends QemuError {}

export class AgentTimeoutError extends QemuError {}

/** The agent refused a command. A frozen agent lists all but a few commands as disabled. */
export class AgentCommandError extends QemuError {
  readonly command: string;
  readonly errorClass: string;

  constructor(command: string, error: { class: string; desc: string }) {
    super(`${command}: ${error.desc}`);
    this.command = command;
    this.errorClass = error.class;
  }
}

/** `exitCode` is missing when the tool was ended by a signal, could not be started or did not end in time. */
export class ToolError extends QemuError {
  readonly tool: string;
  readonly exitCode: number | undefined;
  /** The end of what the tool wrote to stderr. */
  readonly stderr: string;

  constructor(
    tool: string,
    what: string,
    outcome: { exitCode?: number | undefined; stderr?: string; cause?: unknown } = {},
  ) {
    const stderr = (outcome.stderr ?? '').trim().slice(-2000);
    super(`${tool}: ${what}${stderr && `: ${stderr}`}`, { cause: outcome.cause });
    this.tool = tool;
    this.exitCode = outcome.exitCode;
    this.stderr = stderr;
  }
}

export class ReceiverError extends QemuError {}

/** `code` is what the server answered, numbered as Linux does (28: no space left); missing when the connection failed. */
export class NbdError extends QemuError {
  readonly code: number | undefined;

  constructor(what: string, options: { readonly code?: number; readonly cause?: unknown } = {}) {
    super(what, { cause: options.cause });
    this.code = options.code;
  }
}

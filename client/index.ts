/** The programmatic client: start, follow and cancel backups, and read what the repository holds. */
export { StillpointClient } from './stillpoint-client.ts';
export type { RunningBackup } from './running-backup.ts';
export type { RunningExport } from './running-export.ts';
export type { VmStatus } from './vm-status.ts';
export * from './errors.ts';
export { connectionOptions, type TemporalAddress } from '../inventory/connection-options.ts';
export { findInventory, loadInventory } from '../inventory/load.ts';
export { InventoryError, UnknownVmError } from '../inventory/errors.ts';
export { RemoteRepository } from '../repository/remote.ts';
export type { Repository } from '../repository/repository.ts';
export type { BackupRequest } from '../model/request.ts';
export type { BackupResult } from '../model/result.ts';
export type { ExportRequest, ExportResult, ServedDisk } from '../model/export.ts';
export type { SnapshotRequest, SnapshotResult } from '../model/snapshot.ts';
export type { Inventory } from '../model/inventory.ts';
export type { Manifest } from '../model/manifest.ts';

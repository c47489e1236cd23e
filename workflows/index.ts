export { backupVm } from './backup-vm.ts';
export { exportBackup } from './export-backup.ts';
export { snapshotVm } from './snapshot-vm.ts';

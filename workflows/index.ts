export { backupVm } from './backup-vm.ts';
export { snapshotVm } from './snapshot-vm.ts';

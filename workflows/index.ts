export { backupVm } from './backup-vm.ts';

import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The search attributes of a backup. A worker registers them at its start; unregistered ones are never upserted. */
export const searchAttributes = {
  vm: defineSearchAttributeKey('StillpointVm', SearchAttributeType.KEYWORD),
  host: defineSearchAttributeKey('StillpointHost', SearchAttributeType.KEYWORD),
  kind: defineSearchAttributeKey('StillpointKind', SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey('StillpointPhase', SearchAttributeType.KEYWORD),
  backupId: defineSearchAttributeKey('StillpointBackupId', SearchAttributeType.KEYWORD),
  consistency: defineSearchAttributeKey('StillpointConsistency', SearchAttributeType.KEYWORD),
};

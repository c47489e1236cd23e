import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { searchAttributes } from '../workflows/search-attributes.ts';
import { log } from './log.ts';

/** @see temporal/api/enums/v1/common.proto */
const keyword = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/**
 * Makes sure that Temporal knows our search attributes, and tells whether it does. Where the worker may not register
 * them it says which are missing; backups then run without them, for an unknown one would wedge a workflow.
 */
export async function registerSearchAttributes(
  { operatorService }: Connection,
  namespace: string,
): Promise<boolean> {
  const names = Object.values(searchAttributes).map(({ name }) => name);
  const missing = async () => {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return names.filter((name) => customAttributes[name] !== keyword);
  };
  try {
    const absent = await missing();
    if (absent.length === 0) return true;
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(absent.map((name) => [name, keyword])),
    });
    return (await missing()).length === 0;
  } catch (error) {
    log.warn('search attributes are not registered: backups cannot be found by them', {
      register: names.map((name) => `--name ${name} --type Keyword`).join(' '),
      error: error instanceof Error ? error.message : String(error),
    });
    return false;
  }
}

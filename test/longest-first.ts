import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes although its file is short. Vitest begins with large files, and would end with these on one core. */
const longest = ['crash/matrix.test.ts', 'crash/killed.campaign.ts'];

/** Begins with the files that take longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- It is the sequencer's own.
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) =>
      longest.some((name) => moduleId.endsWith(name));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

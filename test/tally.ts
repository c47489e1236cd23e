import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Shows each live test as it ends, for they take seconds, and closes with how many live tests ran, which were
 * skipped and why, and one plain line with the count of all.
 */
export class Tally implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (!isLive(test) || state === 'skipped') return;
    const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1);
    console.log(`   ${state === 'passed' ? '✓' : '✗'} ${test.fullName} (${seconds} s)`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const live = tests.filter(isLive);
    const skipped = live.filter((test) => test.result().state === 'skipped');
    console.log(
      `Live tests: ${live.length - skipped.length} ran against real QEMUs, guests and servers, ${skipped.length} skipped.`,
    );
    for (const [reason, count] of countedBy(skipped, whySkipped))
      console.log(`  ${count} skipped: ${reason}`);
    const count = (wanted: string) => tests.filter((test) => test.result().state === wanted).length;
    console.log(
      `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`,
    );
  }
}

function isLive(test: TestCase): boolean {
  return test.project.name !== 'unit';
}

function whySkipped(test: TestCase): string {
  const result = test.result();
  return (
    (result.state === 'skipped' ? result.note : undefined) ?? `no reason given by ${test.fullName}`
  );
}

function countedBy(tests: readonly TestCase[], reasonOf: (test: TestCase) => string) {
  const counts = new Map<string, number>();
  for (const test of tests) counts.set(reasonOf(test), (counts.get(reasonOf(test)) ?? 0) + 1);
  return counts;
}

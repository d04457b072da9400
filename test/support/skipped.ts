/** Says at the end of a run which tests were skipped, and what is missing for them: their titles name it. */

import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const titles = [test.name];
        for (let suite: TestSuite | TestModule = test.parent; suite.type === 'suite'; suite = suite.parent) {
          titles.unshift(suite.name);
        }
        const title = titles.find(text => /\((needs|skipped)\b/.test(text)) ?? titles.join(' > ');
        counts.set(title, (counts.get(title) ?? 0) + 1);
      }
    }
    for (const [title, count] of counts) console.log(`skipped ${count} of: ${title}`);
  }
}

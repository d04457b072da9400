/**
 * Stacks without frame pointers: how many are complete and true, beside frame pointers alone and perf's dwarf mode, and
 * what they cost.
 * `FLAMEGRAPH_DIR=… node dist/benchmarks/unwind.js [complete|bpf|cost|churn|system|overhead|latency…]`
 * `UNWIND_TARGETS=node,Go` takes only the targets whose names have one of these in them.
 */
import { bpfCost } from './unwind-bpf.ts';
import { complete } from './unwind-complete.ts';
import { churn, cost, overhead, system } from './unwind-cost.ts';
import { latency } from './unwind-latency.ts';

const sections: Readonly<Record<string, () => Promise<void>>> = {
  complete,
  bpf: bpfCost,
  cost,
  churn,
  system,
  overhead,
  latency,
};
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(sections);
for (const name of names) {
  const section = sections[name];
  if (section === undefined) throw new Error(`no section "${name}"; there are ${Object.keys(sections).join(', ')}`);
  await section();
}

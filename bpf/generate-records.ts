/**
 * Writes src/capture/records.gen.ts from the BTF of the compiled object, or with `--check` compares it and exits
 * with 1 on a difference. The C headers are the only place where a layout is written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { MemoryBytes } from '../src/elf/bytes.ts';
import { parseElf } from '../src/elf/elf.ts';
import { readBtf, type Struct } from './btf.ts';

const OBJECT = 'build/profiler.bpf.o';
const OUTPUT = 'src/capture/records.gen.ts';

/** C name → name in TypeScript, in the order of the output. */
const STRUCTS = {
  profiler_config: 'Config',
  profiler_sample: 'Sample',
  profiler_start: 'Start',
  profiler_perf_mmap2: 'PerfMmap2',
  profiler_perf_comm: 'PerfComm',
  profiler_perf_task: 'PerfTask',
  profiler_perf_lost: 'PerfLost',
  profiler_unwind_rule: 'UnwindRule',
  profiler_unwind_row: 'UnwindRow',
  profiler_unwind_page: 'UnwindPage',
  profiler_unwind_table: 'UnwindTableHeader',
  profiler_unwind_file: 'UnwindFile',
  profiler_unwind_mapping: 'UnwindMapping',
  profiler_unwind_mappings: 'UnwindMappings',
  profiler_unwind_process: 'UnwindProcess',
  perf_event_attr: 'PerfEventAttr',
};
const ENUMS = {
  profiler_limits: 'Limit',
  profiler_filter: 'Filter',
  profiler_stacks: 'Stacks',
  profiler_target: 'Target',
  profiler_unwind: 'Unwind',
  profiler_unwind_end: 'UnwindEnd',
  profiler_frame_mark: 'FrameMark',
  profiler_heap: 'Heap',
  profiler_unwind_kind: 'RuleKind',
  profiler_unwind_saved: 'Saved',
  profiler_unwind_state: 'TableState',
  profiler_counter: 'Counter',
  perf_type_id: 'PerfType',
  perf_hw_id: 'PerfHardware',
  perf_sw_ids: 'PerfSoftware',
  perf_hw_cache_id: 'PerfCache',
  perf_hw_cache_op_id: 'PerfCacheOperation',
  perf_hw_cache_op_result_id: 'PerfCacheResult',
  perf_event_sample_format: 'PerfSampleFormat',
  perf_event_type: 'PerfRecord',
};

function constant(comment: string, name: string, entries: Iterable<[string, number]>): string {
  const lines = [...entries].map(([key, value]) => `  ${key}: ${value},`);
  return `/** ${comment} */\nexport const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
}

function structText(cName: string, name: string, struct: Struct): string {
  const text = constant(`struct ${cName}: byte offsets of its members.`, name, struct.members);
  if (struct.bits.size === 0) return text;
  return `${text}\n${constant(`struct ${cName}: bit offsets of its bit-fields.`, `${name}Bits`, struct.bits)}`;
}

function generate(): string {
  const object = new MemoryBytes(readFileSync(OBJECT));
  const section = parseElf(object).sections.find(s => s.name === '.BTF');
  if (!section) throw new Error(`${OBJECT} has no .BTF section`);
  const types = readBtf(object.read(section.offset, section.size));
  const parts = ['// Generated from bpf/records.h by `npm run generate`. Do not edit.\n'];
  const sizes = new Map<string, number>();
  for (const [cName, name] of Object.entries(STRUCTS)) {
    const struct = types.structs.get(cName);
    if (!struct) throw new Error(`${OBJECT} has no struct ${cName}`);
    parts.push(structText(cName, name, struct));
    sizes.set(name, struct.size);
  }
  parts.push(constant('Sizes of the structs, in bytes.', 'sizeOf', sizes));
  for (const [cName, name] of Object.entries(ENUMS)) {
    const values = types.enums.get(cName);
    if (!values) throw new Error(`${OBJECT} has no enum ${cName}`);
    parts.push(constant(`enum ${cName}`, name, values));
  }
  return parts.join('\n');
}

const text = generate();
if (!process.argv.includes('--check')) {
  writeFileSync(OUTPUT, text);
} else if (readFileSync(OUTPUT, 'utf8') !== text) {
  process.stderr.write(`${OUTPUT} differs from bpf/records.h: run \`npm run generate\` and commit it\n`);
  process.exitCode = 1;
}

// Generated from bpf/records.h by `npm run generate`. Do not edit.

/** struct profiler_config: byte offsets of its members. */
export const Config = {
  cgroup_id: 0,
  cgroup_level: 8,
  pid_namespace: 12,
  filter: 16,
  stacks: 20,
  inherit: 24,
  event: 28,
  unwind: 32,
  reserved: 36,
  comm: 40,
} as const;

/** struct profiler_sample: byte offsets of its members. */
export const Sample = {
  time: 0,
  weight: 8,
  cgroup_id: 16,
  pid: 24,
  tid: 28,
  cpu: 32,
  event: 36,
  kernel_frames: 38,
  unwind: 39,
  user_frames: 40,
  snapshot: 42,
  walked: 44,
  reserved: 45,
  comm: 48,
} as const;

/** struct profiler_start: byte offsets of its members. */
export const Start = {
  pc: 0,
  sp: 8,
  fp: 16,
  extra: 24,
  kernel: 32,
} as const;

/** struct profiler_perf_mmap2: byte offsets of its members. */
export const PerfMmap2 = {
  type: 0,
  misc: 4,
  size: 6,
  pid: 8,
  tid: 12,
  address: 16,
  length: 24,
  file_offset: 32,
  major: 40,
  minor: 44,
  inode: 48,
  inode_generation: 56,
  protection: 64,
  flags: 68,
  filename: 72,
} as const;

/** struct profiler_perf_comm: byte offsets of its members. */
export const PerfComm = {
  type: 0,
  misc: 4,
  size: 6,
  pid: 8,
  tid: 12,
  comm: 16,
} as const;

/** struct profiler_perf_task: byte offsets of its members. */
export const PerfTask = {
  type: 0,
  misc: 4,
  size: 6,
  pid: 8,
  parent_pid: 12,
  tid: 16,
  parent_tid: 20,
  time: 24,
} as const;

/** struct profiler_perf_lost: byte offsets of its members. */
export const PerfLost = {
  type: 0,
  misc: 4,
  size: 6,
  id: 8,
  lost: 16,
} as const;

/** struct profiler_unwind_rule: byte offsets of its members. */
export const UnwindRule = {
  kind: 0,
  saved: 1,
  cfa: 2,
  fp: 4,
  ra: 6,
} as const;

/** struct profiler_unwind_row: byte offsets of its members. */
export const UnwindRow = {
  pc: 0,
  rule: 2,
} as const;

/** struct profiler_unwind_page: byte offsets of its members. */
export const UnwindPage = {
  rows: 0,
  count: 4,
} as const;

/** struct profiler_unwind_table: byte offsets of its members. */
export const UnwindTableHeader = {
  start: 0,
  pages: 8,
  rules: 12,
} as const;

/** struct profiler_unwind_file: byte offsets of its members. */
export const UnwindFile = {
  table: 0,
  used: 4,
} as const;

/** struct profiler_unwind_mapping: byte offsets of its members. */
export const UnwindMapping = {
  start: 0,
  end: 8,
  bias: 16,
  file: 24,
  reserved: 28,
} as const;

/** struct profiler_unwind_mappings: byte offsets of its members. */
export const UnwindMappings = {
  id: 0,
  count: 8,
  reserved: 12,
} as const;

/** struct profiler_unwind_process: byte offsets of its members. */
export const UnwindProcess = {
  id: 0,
  mappings: 8,
  reserved: 12,
} as const;

/** struct perf_event_attr: byte offsets of its members. */
export const PerfEventAttr = {
  type: 0,
  size: 4,
  config: 8,
  sample_period: 16,
  sample_freq: 16,
  sample_type: 24,
  read_format: 32,
  wakeup_events: 48,
  wakeup_watermark: 48,
  bp_type: 52,
  bp_addr: 56,
  kprobe_func: 56,
  uprobe_path: 56,
  config1: 56,
  bp_len: 64,
  kprobe_addr: 64,
  probe_offset: 64,
  config2: 64,
  branch_sample_type: 72,
  sample_regs_user: 80,
  sample_stack_user: 88,
  clockid: 92,
  sample_regs_intr: 96,
  aux_watermark: 104,
  sample_max_stack: 108,
  __reserved_2: 110,
  aux_sample_size: 112,
  __reserved_3: 116,
  sig_data: 120,
} as const;

/** struct perf_event_attr: bit offsets of its bit-fields. */
export const PerfEventAttrBits = {
  disabled: 320,
  inherit: 321,
  pinned: 322,
  exclusive: 323,
  exclude_user: 324,
  exclude_kernel: 325,
  exclude_hv: 326,
  exclude_idle: 327,
  mmap: 328,
  comm: 329,
  freq: 330,
  inherit_stat: 331,
  enable_on_exec: 332,
  task: 333,
  watermark: 334,
  precise_ip: 335,
  mmap_data: 337,
  sample_id_all: 338,
  exclude_host: 339,
  exclude_guest: 340,
  exclude_callchain_kernel: 341,
  exclude_callchain_user: 342,
  mmap2: 343,
  comm_exec: 344,
  use_clockid: 345,
  context_switch: 346,
  write_backward: 347,
  namespaces: 348,
  ksymbol: 349,
  bpf_event: 350,
  aux_output: 351,
  cgroup: 352,
  text_poke: 353,
  build_id: 354,
  inherit_thread: 355,
  remove_on_exec: 356,
  sigtrap: 357,
  __reserved_1: 358,
} as const;

/** Sizes of the structs, in bytes. */
export const sizeOf = {
  Config: 56,
  Sample: 64,
  Start: 40,
  PerfMmap2: 80,
  PerfComm: 24,
  PerfTask: 32,
  PerfLost: 24,
  UnwindRule: 8,
  UnwindRow: 4,
  UnwindPage: 8,
  UnwindTableHeader: 16,
  UnwindFile: 8,
  UnwindMapping: 32,
  UnwindMappings: 32,
  UnwindProcess: 16,
  PerfEventAttr: 128,
} as const;

/** enum profiler_limits */
export const Limit = {
  PROFILER_MAX_FRAMES: 127,
  PROFILER_MAX_WALK: 511,
  PROFILER_COMM_LEN: 16,
  PROFILER_MAX_TARGETS: 65536,
  PROFILER_SNAPSHOT_BYTES: 16384,
  PROFILER_SNAPSHOT_PAGE: 4096,
} as const;

/** enum profiler_filter */
export const Filter = {
  PROFILER_FILTER_TARGET: 1,
  PROFILER_FILTER_CGROUP: 2,
  PROFILER_FILTER_COMM: 4,
} as const;

/** enum profiler_stacks */
export const Stacks = {
  PROFILER_STACK_KERNEL: 1,
  PROFILER_STACK_USER: 2,
} as const;

/** enum profiler_target */
export const Target = {
  PROFILER_TARGET_PROCESS: 1,
  PROFILER_TARGET_THREAD: 2,
} as const;

/** enum profiler_unwind */
export const Unwind = {
  PROFILER_UNWIND_AUTO: 0,
  PROFILER_UNWIND_CFI: 1,
  PROFILER_UNWIND_FP: 2,
} as const;

/** enum profiler_unwind_end */
export const UnwindEnd = {
  PROFILER_END_NO_STACK: 0,
  PROFILER_END_COMPLETE: 1,
  PROFILER_END_TRUNCATED: 2,
  PROFILER_END_NO_RULE: 3,
  PROFILER_END_BAD_READ: 4,
  PROFILER_END_NO_TABLE: 5,
  PROFILER_END_EVICTED: 6,
  PROFILER_END_CORRUPT: 7,
  PROFILER_END_FRAME_POINTERS: 8,
  PROFILER_END_FAILED: 9,
  PROFILER_ENDS: 10,
} as const;

/** enum profiler_frame_mark */
export const FrameMark = {
  PROFILER_FRAME_SHIFT: 56,
  PROFILER_FRAME_EXACT: 1,
  PROFILER_FRAME_FRAME_POINTER: 2,
} as const;

/** enum profiler_heap */
export const Heap = {
  PROFILER_CHUNK_SHIFT: 15,
  PROFILER_CHUNK_BYTES: 262144,
  PROFILER_MAX_CHUNKS: 4096,
  PROFILER_MAX_FILES: 8192,
  PROFILER_MAX_PROCESSES: 65536,
  PROFILER_MAX_MAPPINGS: 4095,
  PROFILER_PAGE_SHIFT: 16,
  PROFILER_MAX_PAGE_ROWS: 16383,
  PROFILER_MAX_RULES: 16384,
} as const;

/** enum profiler_unwind_kind */
export const RuleKind = {
  PROFILER_RULE_NONE: 0,
  PROFILER_RULE_UNSUPPORTED: 1,
  PROFILER_RULE_END: 2,
  PROFILER_RULE_SP: 3,
  PROFILER_RULE_FP: 4,
  PROFILER_RULE_FP_DEREF: 5,
  PROFILER_RULE_PLT: 6,
  PROFILER_RULE_SIGNAL: 7,
  PROFILER_RULE_EXTRA: 8,
} as const;

/** enum profiler_unwind_saved */
export const Saved = {
  PROFILER_SAVED_FP: 1,
  PROFILER_SAVED_FP_AT_FP: 2,
  PROFILER_SAVED_RA: 4,
  PROFILER_EXACT_ONLY: 8,
} as const;

/** enum profiler_unwind_state */
export const TableState = {
  PROFILER_TABLE_PENDING: 0,
  PROFILER_TABLE_EVICTED: 1,
  PROFILER_TABLE_ABSENT: 2,
  PROFILER_TABLE_FIRST: 3,
} as const;

/** enum profiler_counter */
export const Counter = {
  PROFILER_COUNT_SAMPLES: 0,
  PROFILER_COUNT_RING_FULL: 1,
  PROFILER_COUNT_SCRATCH: 2,
  PROFILER_COUNT_KERNEL_FAILED: 3,
  PROFILER_COUNT_TARGETS_FULL: 4,
  PROFILER_COUNTERS: 5,
} as const;

/** enum perf_type_id */
export const PerfType = {
  PERF_TYPE_HARDWARE: 0,
  PERF_TYPE_SOFTWARE: 1,
  PERF_TYPE_TRACEPOINT: 2,
  PERF_TYPE_HW_CACHE: 3,
  PERF_TYPE_RAW: 4,
  PERF_TYPE_BREAKPOINT: 5,
  PERF_TYPE_MAX: 6,
} as const;

/** enum perf_hw_id */
export const PerfHardware = {
  PERF_COUNT_HW_CPU_CYCLES: 0,
  PERF_COUNT_HW_INSTRUCTIONS: 1,
  PERF_COUNT_HW_CACHE_REFERENCES: 2,
  PERF_COUNT_HW_CACHE_MISSES: 3,
  PERF_COUNT_HW_BRANCH_INSTRUCTIONS: 4,
  PERF_COUNT_HW_BRANCH_MISSES: 5,
  PERF_COUNT_HW_BUS_CYCLES: 6,
  PERF_COUNT_HW_STALLED_CYCLES_FRONTEND: 7,
  PERF_COUNT_HW_STALLED_CYCLES_BACKEND: 8,
  PERF_COUNT_HW_REF_CPU_CYCLES: 9,
  PERF_COUNT_HW_MAX: 10,
} as const;

/** enum perf_sw_ids */
export const PerfSoftware = {
  PERF_COUNT_SW_CPU_CLOCK: 0,
  PERF_COUNT_SW_TASK_CLOCK: 1,
  PERF_COUNT_SW_PAGE_FAULTS: 2,
  PERF_COUNT_SW_CONTEXT_SWITCHES: 3,
  PERF_COUNT_SW_CPU_MIGRATIONS: 4,
  PERF_COUNT_SW_PAGE_FAULTS_MIN: 5,
  PERF_COUNT_SW_PAGE_FAULTS_MAJ: 6,
  PERF_COUNT_SW_ALIGNMENT_FAULTS: 7,
  PERF_COUNT_SW_EMULATION_FAULTS: 8,
  PERF_COUNT_SW_DUMMY: 9,
  PERF_COUNT_SW_BPF_OUTPUT: 10,
  PERF_COUNT_SW_CGROUP_SWITCHES: 11,
  PERF_COUNT_SW_MAX: 12,
} as const;

/** enum perf_hw_cache_id */
export const PerfCache = {
  PERF_COUNT_HW_CACHE_L1D: 0,
  PERF_COUNT_HW_CACHE_L1I: 1,
  PERF_COUNT_HW_CACHE_LL: 2,
  PERF_COUNT_HW_CACHE_DTLB: 3,
  PERF_COUNT_HW_CACHE_ITLB: 4,
  PERF_COUNT_HW_CACHE_BPU: 5,
  PERF_COUNT_HW_CACHE_NODE: 6,
  PERF_COUNT_HW_CACHE_MAX: 7,
} as const;

/** enum perf_hw_cache_op_id */
export const PerfCacheOperation = {
  PERF_COUNT_HW_CACHE_OP_READ: 0,
  PERF_COUNT_HW_CACHE_OP_WRITE: 1,
  PERF_COUNT_HW_CACHE_OP_PREFETCH: 2,
  PERF_COUNT_HW_CACHE_OP_MAX: 3,
} as const;

/** enum perf_hw_cache_op_result_id */
export const PerfCacheResult = {
  PERF_COUNT_HW_CACHE_RESULT_ACCESS: 0,
  PERF_COUNT_HW_CACHE_RESULT_MISS: 1,
  PERF_COUNT_HW_CACHE_RESULT_MAX: 2,
} as const;

/** enum perf_event_sample_format */
export const PerfSampleFormat = {
  PERF_SAMPLE_IP: 1,
  PERF_SAMPLE_TID: 2,
  PERF_SAMPLE_TIME: 4,
  PERF_SAMPLE_ADDR: 8,
  PERF_SAMPLE_READ: 16,
  PERF_SAMPLE_CALLCHAIN: 32,
  PERF_SAMPLE_ID: 64,
  PERF_SAMPLE_CPU: 128,
  PERF_SAMPLE_PERIOD: 256,
  PERF_SAMPLE_STREAM_ID: 512,
  PERF_SAMPLE_RAW: 1024,
  PERF_SAMPLE_BRANCH_STACK: 2048,
  PERF_SAMPLE_REGS_USER: 4096,
  PERF_SAMPLE_STACK_USER: 8192,
  PERF_SAMPLE_WEIGHT: 16384,
  PERF_SAMPLE_DATA_SRC: 32768,
  PERF_SAMPLE_IDENTIFIER: 65536,
  PERF_SAMPLE_TRANSACTION: 131072,
  PERF_SAMPLE_REGS_INTR: 262144,
  PERF_SAMPLE_PHYS_ADDR: 524288,
  PERF_SAMPLE_AUX: 1048576,
  PERF_SAMPLE_CGROUP: 2097152,
  PERF_SAMPLE_DATA_PAGE_SIZE: 4194304,
  PERF_SAMPLE_CODE_PAGE_SIZE: 8388608,
  PERF_SAMPLE_WEIGHT_STRUCT: 16777216,
  PERF_SAMPLE_MAX: 33554432,
} as const;

/** enum perf_event_type */
export const PerfRecord = {
  PERF_RECORD_MMAP: 1,
  PERF_RECORD_LOST: 2,
  PERF_RECORD_COMM: 3,
  PERF_RECORD_EXIT: 4,
  PERF_RECORD_THROTTLE: 5,
  PERF_RECORD_UNTHROTTLE: 6,
  PERF_RECORD_FORK: 7,
  PERF_RECORD_READ: 8,
  PERF_RECORD_SAMPLE: 9,
  PERF_RECORD_MMAP2: 10,
  PERF_RECORD_AUX: 11,
  PERF_RECORD_ITRACE_START: 12,
  PERF_RECORD_LOST_SAMPLES: 13,
  PERF_RECORD_SWITCH: 14,
  PERF_RECORD_SWITCH_CPU_WIDE: 15,
  PERF_RECORD_NAMESPACES: 16,
  PERF_RECORD_KSYMBOL: 17,
  PERF_RECORD_BPF_EVENT: 18,
  PERF_RECORD_CGROUP: 19,
  PERF_RECORD_TEXT_POKE: 20,
  PERF_RECORD_AUX_OUTPUT_HW_ID: 21,
  PERF_RECORD_MAX: 22,
} as const;

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every layout that crosses the border between the kernel and userspace, once. The BPF program includes this file;
 * src/capture/records.gen.ts is generated from the BTF of the compiled object (`npm run generate`), and
 * `npm run check` fails when the two differ.
 */
#ifndef PROFILER_RECORDS_H
#define PROFILER_RECORDS_H

#include <linux/types.h>

enum profiler_limits {
	/* Frames that bpf_get_stack gives, of one kind: 127 is the default of kernel.perf_event_max_stack. This and the
	 * next must be 2^n - 1: the verifier bounds lengths by a mask. */
	PROFILER_MAX_FRAMES = 127,
	/* User frames that the walk finds. Compilers go beyond 127. */
	PROFILER_MAX_WALK = 511,
	PROFILER_COMM_LEN = 16,
	PROFILER_MAX_TARGETS = 65536,
	/* Of stack in a snapshot, and what is copied at once: a page, for the one behind it may not be mapped. */
	PROFILER_SNAPSHOT_BYTES = 16384,
	PROFILER_SNAPSHOT_PAGE = 4096,
};

/* What may be sampled: bits of profiler_config.filter. A task has to pass every one that is set. */
enum profiler_filter {
	PROFILER_FILTER_TARGET = 1, /* thread group or thread is in the `targets` map */
	PROFILER_FILTER_CGROUP = 2, /* in the cgroup v2 directory `cgroup_id` or below */
	PROFILER_FILTER_COMM = 4,   /* the thread's name is `comm` */
};

/* Which stacks are taken: bits of profiler_config.stacks. A sample without any of them is left out. */
enum profiler_stacks {
	PROFILER_STACK_KERNEL = 1,
	PROFILER_STACK_USER = 2,
};

/* How user stacks are walked: profiler_config.unwind. */
enum profiler_unwind {
	PROFILER_UNWIND_AUTO, /* by unwind tables, and by frame pointers in code without rules */
	PROFILER_UNWIND_CFI,  /* by unwind tables only */
	PROFILER_UNWIND_FP,   /* bpf_get_stack */
};

/* Why an id stands in the `targets` map: bits of its value. */
enum profiler_target {
	PROFILER_TARGET_PROCESS = 1,
	PROFILER_TARGET_THREAD = 2,
};

/* Why the walk of a sample's user stack ended: profiler_sample.unwind. */
enum profiler_unwind_end {
	PROFILER_END_NO_STACK,       /* kernel thread, ending process, or not asked for */
	PROFILER_END_COMPLETE,       /* at the outermost frame: undefined return address, or end of the frame pointers */
	PROFILER_END_TRUNCATED,      /* PROFILER_MAX_WALK frames */
	PROFILER_END_NO_RULE,        /* code without usable rules, and no frame pointer either */
	PROFILER_END_BAD_READ,       /* memory of the stack could not be read */
	PROFILER_END_NO_TABLE,       /* the process or the file was too new: its tables were not there yet */
	PROFILER_END_EVICTED,        /* the file's table was given up for lack of memory (--unwind-memory) */
	PROFILER_END_CORRUPT,        /* the stack does not grow, is misaligned, or returns to where no code is */
	PROFILER_END_FRAME_POINTERS, /* bpf_get_stack, which does not say how it ended */
	PROFILER_END_FAILED,         /* bpf_get_stack refused */
	PROFILER_ENDS,
};

/* What is known of a user frame besides its address: bits of its highest byte. */
enum profiler_frame_mark {
	PROFILER_FRAME_SHIFT = 56,
	PROFILER_FRAME_EXACT = 1,         /* the next instruction to run (leaf, interrupted by a signal): no return address */
	PROFILER_FRAME_FRAME_POINTER = 2, /* found through the frame pointer of the frame below */
};

/* Constants of a recording, in the object's .rodata: fixed before the program is verified. */
struct profiler_config {
	__u64 cgroup_id;
	__u32 cgroup_level; /* depth of cgroup_id below the root of the hierarchy */
	__u32 pid_namespace; /* inode of the recorder's pid namespace, 0 for the initial one */
	__u32 filter;
	__u32 stacks;
	__u32 inherit; /* children of a target process are targets */
	__u32 event;
	__u32 unwind; /* enum profiler_unwind */
	__u32 reserved;
	char comm[PROFILER_COMM_LEN];
};

/*
 * One sample. `kernel_frames` addresses follow, then `user_frames` addresses, innermost first, 8 bytes each, or else, where
 * tables were not there yet, `snapshot` words of 8 bytes to walk later: struct profiler_start and the stack from its sp
 * on. The length is a multiple of 8 and follows from the header, so that records can be laid end to end. What tells two
 * samples apart when they are counted stands from `pid` on.
 */
struct profiler_sample {
	__u64 time;      /* CLOCK_MONOTONIC, ns */
	__u64 weight;    /* the event's period: what one sample stands for, in units of the event */
	__u64 cgroup_id; /* cgroup v2 */
	__u32 pid;       /* thread group, in the recorder's pid namespace */
	__u32 tid;
	__u32 cpu;
	__u16 event; /* profiler_config.event */
	__u8 kernel_frames;
	__u8 unwind; /* enum profiler_unwind_end */
	__u16 user_frames;
	__u16 snapshot;
	__u8 walked; /* the user frames come from the walk and have marks; else from bpf_get_stack */
	__u8 reserved[3];
	char comm[PROFILER_COMM_LEN];
};

/* The registers of user mode that a walk starts from. */
struct profiler_start {
	__u64 pc;
	__u64 sp;
	__u64 fp;
	__u64 extra;  /* x30 on arm64, where calls leave their return address; r10 on x86-64, see PROFILER_RULE_EXTRA */
	__u64 kernel; /* the task is in the kernel: after a system call, pc is behind that instruction */
};

/* Index into the `counters` map: every way in which a sample or a part of it can be lost. */
enum profiler_counter {
	PROFILER_COUNT_SAMPLES,       /* records written */
	PROFILER_COUNT_RING_FULL,     /* records lost: userspace drained too slowly */
	PROFILER_COUNT_SCRATCH,       /* samples lost: no scratch record */
	PROFILER_COUNT_KERNEL_FAILED, /* kernel stacks refused; the sample is kept */
	PROFILER_COUNT_TARGETS_FULL,  /* child processes not followed: the targets map is full */
	PROFILER_COUNTERS,
};

/*
 * Unwind tables. All of them live in one heap of chunks, which are inner maps of the `chunks` map, made when needed and
 * mapped by userspace. A heap address counts units of 8 bytes from the start of the first chunk; nothing crosses the
 * end of a chunk, and address 0 is never given away.
 */
enum profiler_heap {
	PROFILER_CHUNK_SHIFT = 15, /* 2^15 units of 8 bytes: 256 KiB */
	PROFILER_CHUNK_BYTES = 8 << PROFILER_CHUNK_SHIFT,
	PROFILER_MAX_CHUNKS = 4096, /* 1 GiB */
	PROFILER_MAX_FILES = 8192,
	PROFILER_MAX_PROCESSES = 65536,
	PROFILER_MAX_MAPPINGS = 4095, /* of a process; 2^n - 1: searched by halving */
	PROFILER_PAGE_SHIFT = 16,     /* code covered by one profiler_unwind_page */
	PROFILER_MAX_PAGE_ROWS = 16383,
	PROFILER_MAX_RULES = 16384,
};

/* How a row's frame is left. */
enum profiler_unwind_kind {
	PROFILER_RULE_NONE,        /* no row covers this code */
	PROFILER_RULE_UNSUPPORTED, /* described, but not in these terms */
	PROFILER_RULE_END,         /* the return address is undefined: outermost frame */
	PROFILER_RULE_SP,          /* CFA = sp + cfa */
	PROFILER_RULE_FP,          /* CFA = fp + cfa */
	PROFILER_RULE_FP_DEREF,    /* CFA = *(fp + cfa) */
	PROFILER_RULE_PLT,         /* CFA = sp + cfa + ((pc & 15) >= fp ? 8 : 0) */
	PROFILER_RULE_SIGNAL,      /* sp points to the kernel's signal frame */
	PROFILER_RULE_EXTRA,       /* CFA = r10 + cfa: where gcc realigns the stack, for PROFILER_FRAME_EXACT */
};

/* Where the caller's registers are, and when the rule holds: bits of profiler_unwind_rule.saved. */
enum profiler_unwind_saved {
	PROFILER_SAVED_FP = 1,       /* the frame pointer at CFA + fp */
	PROFILER_SAVED_FP_AT_FP = 2, /* the frame pointer at fp register + fp */
	PROFILER_SAVED_RA = 4,       /* the return address at CFA + ra; else it is in the link register */
	PROFILER_EXACT_ONLY = 8,     /* for PROFILER_FRAME_EXACT; callers are left by frame pointers, to whatever stack */
};

/* Offsets count units of 8 bytes. */
struct profiler_unwind_rule {
	__u8 kind;  /* enum profiler_unwind_kind */
	__u8 saved; /* enum profiler_unwind_saved */
	__s16 cfa;
	__s16 fp;
	__s16 ra;
};

/* From `pc` on, up to the next row, `rule` holds. The first row of a page has pc 0. */
struct profiler_unwind_row {
	__u16 pc;   /* offset in the page */
	__u16 rule; /* index */
};

struct profiler_unwind_page {
	__u32 rows;  /* heap address */
	__u32 count; /* at least 1 */
};

/* The table of a file: the pages follow, then the rules, in one piece. */
struct profiler_unwind_table {
	__u64 start; /* ELF virtual address of the first page, a multiple of the page size */
	__u32 pages;
	__u32 rules;
};

/* What PROFILER_MAX_FILES files have: profiler_unwind_file.table is a heap address from PROFILER_TABLE_FIRST on. */
enum profiler_unwind_state {
	PROFILER_TABLE_PENDING, /* not there yet */
	PROFILER_TABLE_EVICTED,
	PROFILER_TABLE_ABSENT, /* has no usable unwind information: frame pointers */
	PROFILER_TABLE_FIRST,
};

struct profiler_unwind_file {
	__u32 table;
	__u32 used; /* set by every walk that needs the table */
};

/* A piece of an address space. */
struct profiler_unwind_mapping {
	__u64 start;
	__u64 end;
	__u64 bias; /* address = ELF virtual address + bias */
	__u32 file; /* index into `files`; PROFILER_MAX_FILES: generated code, no file */
	__u32 reserved;
};

/* The mappings of a process, sorted, in one piece. Forked children share it. */
struct profiler_unwind_mappings {
	__u64 id; /* of profiler_unwind_process: tells that the piece has not been given to others since */
	__u32 count;
	__u32 reserved[5];
};

/* A rule that a walk found before. As long as the process has these mappings, it is the one of this address. */
struct profiler_known_rule {
	__u64 id; /* of the mappings */
	__u64 address;
	__u64 rule;
};

#define PROFILER_KNOWN_RULES 2048 /* on each CPU */

/* Value of the `processes` map. */
struct profiler_unwind_process {
	__u64 id;
	__u32 mappings; /* heap address */
	__u32 reserved;
};

/*
 * Records of the sideband buffer (`man perf_event_open`, "MMAP layout"; the kernel's header has them only as a
 * comment). With sample_id_all and PERF_SAMPLE_TIME a __u64 time ends each of them.
 */
struct profiler_perf_mmap2 {
	__u32 type; /* struct perf_event_header */
	__u16 misc;
	__u16 size;
	__u32 pid;
	__u32 tid;
	__u64 address;
	__u64 length;
	__u64 file_offset;
	__u32 major; /* with PERF_RECORD_MISC_MMAP_BUILD_ID: the first byte is the build id's length, 3 are reserved */
	__u32 minor; /* and 20 bytes of build id follow in place of minor, inode and generation */
	__u64 inode;
	__u64 inode_generation;
	__u32 protection;
	__u32 flags;
	char filename[8]; /* NUL-terminated and padded to 8 bytes */
};

struct profiler_perf_comm {
	__u32 type;
	__u16 misc;
	__u16 size;
	__u32 pid;
	__u32 tid;
	char comm[8]; /* NUL-terminated and padded to 8 bytes */
};

/* PERF_RECORD_FORK and PERF_RECORD_EXIT */
struct profiler_perf_task {
	__u32 type;
	__u16 misc;
	__u16 size;
	__u32 pid;
	__u32 parent_pid;
	__u32 tid;
	__u32 parent_tid;
	__u64 time;
};

struct profiler_perf_lost {
	__u32 type;
	__u16 misc;
	__u16 size;
	__u64 id;
	__u64 lost;
};

#endif

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
	/* Frames of one kind in a record. 127 is the kernel's default kernel.perf_event_max_stack. It must be 2^n - 1:
	 * the verifier bounds lengths by a mask. */
	PROFILER_MAX_FRAMES = 127,
	PROFILER_COMM_LEN = 16,
	PROFILER_MAX_TARGETS = 65536,
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

/* Why an id stands in the `targets` map: bits of its value. */
enum profiler_target {
	PROFILER_TARGET_PROCESS = 1,
	PROFILER_TARGET_THREAD = 2,
};

/* How the user stack of a sample came out. */
enum profiler_user_stack {
	PROFILER_USER_NONE = 0,   /* kernel thread, or not asked for */
	PROFILER_USER_OK = 1,
	PROFILER_USER_FAILED = 2, /* bpf_get_stack refused */
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
	char comm[PROFILER_COMM_LEN];
};

/*
 * One sample. `kernel_frames` addresses follow, then `user_frames` addresses, innermost first, 8 bytes each. The
 * length is a multiple of 8 and follows from the header, so that records can be laid end to end. What tells two samples
 * apart when they are counted stands from `pid` on.
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
	__u8 user_frames;
	__u8 user_stack; /* enum profiler_user_stack */
	__u8 reserved[7];
	char comm[PROFILER_COMM_LEN];
};

/* Index into the `counters` map: every way in which a sample or a part of it can be lost. */
enum profiler_counter {
	PROFILER_COUNT_SAMPLES,       /* records written */
	PROFILER_COUNT_RING_FULL,     /* records lost: userspace drained too slowly */
	PROFILER_COUNT_SCRATCH,       /* samples lost: no scratch record */
	PROFILER_COUNT_USER_FAILED,   /* user stacks refused by the kernel; the sample is kept */
	PROFILER_COUNT_KERNEL_FAILED, /* kernel stacks refused; the sample is kept */
	PROFILER_COUNT_TARGETS_FULL,  /* child processes not followed: the targets map is full */
	PROFILER_COUNTERS,
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

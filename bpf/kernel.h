/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that the programs read, with only the fields that they read: libbpf relocates the offsets
 * against the running kernel's BTF (CO-RE).
 */
#ifndef PROFILER_KERNEL_H
#define PROFILER_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* The context of a perf_event program (include/uapi/linux/bpf_perf_event.h): the saved registers and what follows.
 * Only the size of the registers depends on the architecture. */
#if defined(__TARGET_ARCH_x86)
#define PROFILER_REGISTERS 21 /* struct pt_regs */
#elif defined(__TARGET_ARCH_arm64)
#define PROFILER_REGISTERS 34 /* struct user_pt_regs */
#else
#error "unknown architecture: pass -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

struct profiler_perf_context {
	u64 registers[PROFILER_REGISTERS];
	u64 sample_period;
	u64 address;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	int counter;
} profiler_atomic;

struct signal_struct {
	profiler_atomic live;
};

struct mm_struct {
	unsigned long start_stack;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	unsigned int in_execve : 1;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
};

#pragma clang attribute pop

#endif

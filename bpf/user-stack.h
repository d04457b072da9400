/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The user stack of the current task, for every event source: the walk of unwind.h over the memory of the task, with
 * the tables that userspace loads. What runs on an event passes its registers, or none to start where the task entered
 * the kernel.
 */
#ifndef PROFILER_USER_STACK_H
#define PROFILER_USER_STACK_H

#include "kernel.h"
#include "records.h"

#include <linux/errno.h>

/* The heap of records.h. The inner maps are made as tables need them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PROFILER_MAX_CHUNKS);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(key_size, sizeof(u32));
			__uint(value_size, PROFILER_CHUNK_BYTES);
		});
} chunks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROFILER_MAX_FILES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct profiler_unwind_file);
} files SEC(".maps");

/* By thread group. A fork copies its parent's entry here and an exec removes it, at the moment when it happens. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROFILER_MAX_PROCESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct profiler_unwind_process);
} processes SEC(".maps");

/* Processes that were sampled and have no mappings here, or none for where they run. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u8);
} wanted SEC(".maps");

/* Per CPU, where one walk runs at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROFILER_KNOWN_RULES);
	__type(key, u32);
	__type(value, struct profiler_known_rule);
} known_rules SEC(".maps");

static __always_inline struct profiler_known_rule *unwind_known(u32 index)
{
	return bpf_map_lookup_elem(&known_rules, &index);
}

static __always_inline const unsigned char *unwind_chunk(u32 index)
{
	u32 zero = 0;
	void *chunk = bpf_map_lookup_elem(&chunks, &index);

	return chunk ? bpf_map_lookup_elem(chunk, &zero) : NULL;
}

static __always_inline struct profiler_unwind_file *unwind_file(u32 index)
{
	return bpf_map_lookup_elem(&files, &index);
}

static __always_inline long unwind_copy(void *into, u32 size, u64 address)
{
	return bpf_probe_read_user(into, size, (void *)address);
}

#include "unwind.h"

/* A record is built here, not on the 512-byte stack. One slot is enough: the kernel does not run a second perf_event
 * program on a CPU while one is running (bpf_prog_active). */
struct profiler_scratch {
	struct profiler_sample sample;
	u64 frames[PROFILER_MAX_FRAMES + 1 + PROFILER_MAX_WALK + 1];
	u8 snapshot[PROFILER_SNAPSHOT_BYTES + PROFILER_SNAPSHOT_PAGE]; /* frames[] reaches into it */
	struct profiler_start start;
	struct profiler_walk walk;
};

/* Behind the header, at most. */
#define PROFILER_MAX_WORDS                                                                                \
	(PROFILER_MAX_FRAMES + (sizeof(struct profiler_start) + PROFILER_SNAPSHOT_BYTES + PROFILER_SNAPSHOT_PAGE) / \
				       sizeof(u64))

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct profiler_scratch);
} scratch SEC(".maps");

/* Indices of the registers that a walk starts from, in struct profiler_perf_context and in the kernel's pt_regs. */
#if defined(__TARGET_ARCH_x86)
enum { REGISTER_FP = 4, REGISTER_R10 = 7, REGISTER_PC = 16, REGISTER_CS = 17, REGISTER_SP = 19 };
#define USER_CS_64 0x33 /* arch/x86/include/asm/segment.h: __USER_CS; 32-bit programs have another */
#define IS_USER_MODE(registers) ((registers)[REGISTER_CS] & 3)
#else
enum { REGISTER_FP = 29, REGISTER_LR = 30, REGISTER_SP = 31, REGISTER_PC = 32, REGISTER_PSTATE = 33 };
#define PSTATE_MODE 0x1f /* 0 for 64-bit user mode */
#define IS_USER_MODE(registers) (!((registers)[REGISTER_PSTATE] & 0xf))
#endif

/* The context of a program may only be read at constant offsets, so it cannot share a function with registers that were
 * copied: a macro. */
#if defined(__TARGET_ARCH_x86)
#define COPY_REGISTERS(start, registers, is_user)               \
	({                                                      \
		(start)->pc = (registers)[REGISTER_PC];         \
		(start)->sp = (registers)[REGISTER_SP];         \
		(start)->fp = (registers)[REGISTER_FP];         \
		(start)->extra = (registers)[REGISTER_R10];     \
		(is_user) = (registers)[REGISTER_CS] == USER_CS_64; \
	})
#else
#define COPY_REGISTERS(start, registers, is_user)                     \
	({                                                            \
		(start)->pc = (registers)[REGISTER_PC];               \
		(start)->sp = (registers)[REGISTER_SP];               \
		(start)->fp = (registers)[REGISTER_FP];               \
		(start)->extra = (registers)[REGISTER_LR];            \
		(is_user) = !((registers)[REGISTER_PSTATE] & PSTATE_MODE); \
	})
#endif

struct walk_context {
	struct profiler_walk *walk;
	u64 *frames;
};

static long walk_step(u32 index, struct walk_context *context)
{
	return unwind_step(context->walk, context->frames);
}

static __always_inline void want(u32 pid)
{
	u8 once = 1;

	bpf_map_update_elem(&wanted, &pid, &once, BPF_NOEXIST);
}

/* Finds the mappings of the process for a walk: 0, or -1 when there are none. */
static __always_inline int find_process(struct profiler_walk *walk, u32 pid)
{
	struct profiler_unwind_process *process = bpf_map_lookup_elem(&processes, &pid);
	const struct profiler_unwind_mappings *mappings;
	const unsigned char *chunk;
	u32 offset;

	if (!process)
		return -1;
	walk->mappings = process->mappings;
	if (!walk->mappings)
		return 0;
	chunk = unwind_piece(walk->mappings, &offset);
	if (!chunk)
		return -1;
	mappings = (const void *)(chunk + (offset & (PROFILER_CHUNK_BYTES - sizeof(*mappings))));
	if (mappings->id != process->id)
		return -1; /* given to others since: a fork copied the entry while userspace replaced it */
	walk->count = mappings->count;
	walk->id = process->id;
	return 0;
}

/* Where the task was in user mode before it entered the kernel: 0, or -1 when that cannot be told. */
static __always_inline int entry_registers(struct task_struct *task, struct profiler_start *start)
{
	u64 registers[PROFILER_REGISTERS];
	int is_user;

	if (bpf_probe_read_kernel(registers, sizeof(registers), (void *)bpf_task_pt_regs(task)))
		return -1;
	COPY_REGISTERS(start, registers, is_user);
	return is_user ? 0 : -1; /* 32-bit programs are not walked here */
}

/*
 * Walks the user stack of the current task: from scratch.start, into scratch.frames from `at` on. Returns how it ended
 * (enum profiler_unwind_end), with scratch.walk.depth frames; none where no mappings were known.
 * A global function: the verifier looks at it once, and not again for each way to get here.
 */
__noinline int walk_user_stack(u32 at)
{
	u32 zero = 0;
	struct profiler_scratch *record = bpf_map_lookup_elem(&scratch, &zero);
	struct walk_context context;

	if (!record)
		return PROFILER_END_NO_STACK;
	context.walk = &record->walk;
	context.frames = &record->frames[at & PROFILER_MAX_FRAMES];
	unwind_start(&record->walk, &record->start);
	if (find_process(&record->walk, record->sample.pid)) {
		want(record->sample.pid);
		record->walk.unknown = 1;
		return PROFILER_END_NO_TABLE;
	}
	if (!record->walk.mappings)
		return PROFILER_END_EVICTED; /* there was no room for them */
	record->walk.frame_pointers = config.unwind != PROFILER_UNWIND_CFI;
	bpf_loop(PROFILER_MAX_WALK, walk_step, &context, 0);
	if (record->walk.ended == PROFILER_END_NO_TABLE && !record->walk.depth)
		want(record->sample.pid); /* it runs where nothing was mapped when we looked */
	return record->walk.ended;
}

/* Bytes of stack above `sp` that are worth a copy: the stack of the first thread ends where the program began. */
static __always_inline u64 stack_size(struct task_struct *task, u64 sp)
{
	u64 size = BPF_CORE_READ(task, mm, start_stack) - sp;

	return size <= PROFILER_SNAPSHOT_BYTES ? size : PROFILER_SNAPSHOT_BYTES;
}

/*
 * Copies the stack from `sp` on, up to the first page that cannot be read. Returns the bytes, at most a page more than
 * PROFILER_SNAPSHOT_BYTES, a multiple of 8.
 */
static __always_inline u32 copy_stack(struct task_struct *task, u8 *into, u64 sp)
{
	u64 wanted = stack_size(task, sp);
	u32 copied = 0;

	if (sp & 7)
		return 0;
	for (int page = 0; page <= PROFILER_SNAPSHOT_BYTES / PROFILER_SNAPSHOT_PAGE; page++) {
		u32 size = PROFILER_SNAPSHOT_PAGE - (sp & (PROFILER_SNAPSHOT_PAGE - 1));

		if (copied >= wanted || copied >= PROFILER_SNAPSHOT_BYTES)
			break;
		if (size > wanted - copied)
			size = ((u32)(wanted - copied - 1) & (PROFILER_SNAPSHOT_PAGE - 8)) + 8; /* up to a multiple of 8 */
		if (bpf_probe_read_user(into + copied, size, (void *)sp))
			break;
		copied += size;
		sp += size;
	}
	return copied;
}

#endif

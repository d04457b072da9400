/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Event entry points. `sample` runs on every overflow of a perf event on every online CPU; the two raw tracepoints
 * keep the set of target processes true between two looks of userspace.
 */
#include "kernel.h"
#include "records.h"

#include <linux/perf_event.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct profiler_config config = {};

#include "user-stack.h"

/* Names the layouts that no program touches, so that clang puts them into the object's BTF as well, from where the
 * TypeScript side is generated. */
struct profiler_layouts {
	enum profiler_counter counter;
	enum profiler_filter filter;
	enum profiler_limits limits;
	enum profiler_stacks stacks;
	enum profiler_target target;
	enum profiler_unwind unwind;
	enum profiler_unwind_end unwind_end;
	enum profiler_frame_mark frame_mark;
	enum profiler_heap heap;
	enum profiler_unwind_kind unwind_kind;
	enum profiler_unwind_saved unwind_saved;
	enum profiler_unwind_state unwind_state;
	struct profiler_unwind_rule unwind_rule;
	struct profiler_unwind_row unwind_row;
	struct profiler_unwind_page unwind_page;
	struct profiler_unwind_table unwind_table;
	struct profiler_unwind_file unwind_file;
	struct profiler_unwind_mapping unwind_mapping;
	struct profiler_unwind_mappings unwind_mappings;
	struct profiler_unwind_process unwind_process;
	enum perf_event_sample_format sample_format;
	enum perf_event_type record_type;
	enum perf_hw_cache_id cache;
	enum perf_hw_cache_op_id cache_operation;
	enum perf_hw_cache_op_result_id cache_result;
	enum perf_hw_id hardware;
	enum perf_sw_ids software;
	enum perf_type_id type;
	struct perf_event_attr attributes;
	struct profiler_start start;
	struct profiler_perf_comm comm;
	struct profiler_perf_lost lost;
	struct profiler_perf_mmap2 mmap2;
	struct profiler_perf_task task;
} *layouts;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* set before load */
} samples SEC(".maps");

/* Nothing is ever in it for long: see wake. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 12);
} wakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROFILER_MAX_TARGETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32); /* bits of enum profiler_target */
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROFILER_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

static __always_inline void count(u32 counter)
{
	u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		*value += 1; /* per CPU and not preempted by itself: no atomic needed */
}

/* Wakes userspace, which does not look at processes while nothing happens; once, until it has looked: then it empties
 * the ring. */
static __always_inline void wake(void)
{
	void *mark;

	if (bpf_ringbuf_query(&wakes, BPF_RB_AVAIL_DATA))
		return;
	mark = bpf_ringbuf_reserve(&wakes, 1, 0);
	if (mark)
		bpf_ringbuf_discard(mark, BPF_RB_FORCE_WAKEUP);
}

/* The task's thread id as the recorder's pid namespace numbers it; 0 when it is not visible from there. */
static __always_inline u32 namespaced_id(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 deepest = BPF_CORE_READ(pid, level);

	/* Nested namespaces are few; the bound lets the verifier unroll. Level 0 is the initial one. */
	for (u32 level = 1; level < 8; level++) {
		struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				    level * bpf_core_type_size(struct upid);

		if (level > deepest)
			break;
		if (BPF_CORE_READ(upid, ns, ns.inum) == config.pid_namespace)
			return BPF_CORE_READ(upid, nr);
	}
	return 0;
}

static __always_inline u32 thread_id(struct task_struct *task)
{
	return config.pid_namespace ? namespaced_id(task) : BPF_CORE_READ(task, pid);
}

static __always_inline u32 process_id(struct task_struct *task)
{
	return config.pid_namespace ? namespaced_id(BPF_CORE_READ(task, group_leader)) : BPF_CORE_READ(task, tgid);
}

static __always_inline int is_target(u32 pid, u32 tid)
{
	u32 *target = bpf_map_lookup_elem(&targets, &pid);

	if (target && (*target & PROFILER_TARGET_PROCESS))
		return 1;
	target = bpf_map_lookup_elem(&targets, &tid);
	return target && (*target & PROFILER_TARGET_THREAD);
}

static __always_inline int has_comm(const char *comm)
{
	for (int i = 0; i < PROFILER_COMM_LEN; i++) {
		if (comm[i] != config.comm[i])
			return 0;
		if (!comm[i])
			break;
	}
	return 1;
}

/* Frames of one kind, at most PROFILER_MAX_FRAMES (fewer where kernel.perf_event_max_stack is lower); < 0 on error. */
static __always_inline long take_stack(void *context, u64 *frames, u64 flags)
{
	long bytes = bpf_get_stack(context, frames, PROFILER_MAX_FRAMES * sizeof(u64), flags);

	/* clang 14 cannot divide a signed number for BPF, and the mask is the bound that the verifier believes. */
	return bytes < 0 ? bytes : ((u32)bytes >> 3) & PROFILER_MAX_FRAMES;
}

/* The user stack by bpf_get_stack, which follows frame pointers and cannot tell whether they were any. */
static __always_inline u32 get_user_stack(struct profiler_perf_context *context, struct profiler_scratch *record, u32 at)
{
	long frames = take_stack(context, &record->frames[at], BPF_F_USER_STACK);

	record->sample.unwind = PROFILER_END_FRAME_POINTERS;
	if (frames <= 0) {
		record->sample.unwind = PROFILER_END_FAILED;
		return 0;
	}
	return frames & PROFILER_MAX_FRAMES;
}

/* What is needed to walk a stack later, in place of its frames. Returns the words; 0 when there is too little room. */
static __always_inline u32 take_snapshot(struct task_struct *task, struct profiler_scratch *record, u32 at)
{
	u64 *words = &record->frames[at];
	u32 bytes;

	/* A snapshot has the size of a hundred samples, which must not be lost for it. */
	if (bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&samples, BPF_RB_RING_SIZE) / 2)
		return 0;
	bytes = copy_stack(task, (u8 *)words + sizeof(record->start), record->start.sp);
	if (!bytes)
		return 0;
	__builtin_memcpy(words, &record->start, sizeof(record->start));
	return (sizeof(record->start) + bytes) / sizeof(u64);
}

/* In an exec, the old stack is gone at some point and the new one has nothing yet. */
static __always_inline int is_in_exec(struct task_struct *task)
{
	return bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

/* The user stack behind the `at` kernel frames: sample.user_frames frames, or sample.snapshot words. */
static __always_inline void walk_or_copy(struct profiler_perf_context *context, struct profiler_scratch *record, u32 at)
{
	struct profiler_sample *sample = &record->sample;
	struct task_struct *task;
	int is_user;

	record->walk.depth = 0;
	COPY_REGISTERS(&record->start, context->registers, is_user);
	record->start.kernel = !is_user;
	if (!is_user && entry_registers(bpf_get_current_task_btf(), &record->start)) {
		sample->user_frames = get_user_stack(context, record, at);
		return;
	}
	sample->unwind = walk_user_stack(at);
	sample->walked = 1;
	sample->user_frames = record->walk.depth & PROFILER_MAX_WALK;
	if (sample->unwind == PROFILER_END_COMPLETE || sample->unwind == PROFILER_END_TRUNCATED)
		return;
	task = (struct task_struct *)bpf_get_current_task();
	if (record->walk.unknown)
		wake();
	if (is_in_exec(task)) {
		sample->unwind = PROFILER_END_NO_STACK;
		sample->user_frames = 0;
		return;
	}
	sample->snapshot = record->walk.unknown ? take_snapshot(task, record, at) : 0;
	if (sample->snapshot) {
		sample->user_frames = 0;
	} else if (!record->walk.depth) {
		u32 end = sample->unwind;

		sample->walked = 0;
		sample->user_frames = get_user_stack(context, record, at);
		sample->unwind = end;
	}
}

/* Whether the task has a user stack: neither a kernel thread, nor one that has given up its memory at its end. */
static __always_inline int has_user_stack(struct task_struct *task)
{
	return !(BPF_CORE_READ(task, flags) & PF_KTHREAD) && BPF_CORE_READ(task, mm);
}

static __always_inline int take_sample(struct profiler_perf_context *context, int walk)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 pid = id >> 32, tid = (u32)id, zero = 0;
	u32 kernel_frames = 0, words;
	struct task_struct *task;
	struct profiler_scratch *record;
	long frames;

	if (!tid) /* the idle task */
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (config.pid_namespace) {
		tid = thread_id(task);
		pid = process_id(task);
		if (!tid || !pid)
			return 0;
	}
	if ((config.filter & PROFILER_FILTER_TARGET) && !is_target(pid, tid))
		return 0;
	if ((config.filter & PROFILER_FILTER_CGROUP) &&
	    bpf_get_current_ancestor_cgroup_id(config.cgroup_level) != config.cgroup_id)
		return 0;

	record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record) {
		count(PROFILER_COUNT_SCRATCH);
		return 0;
	}
	bpf_get_current_comm(record->sample.comm, sizeof(record->sample.comm));
	if ((config.filter & PROFILER_FILTER_COMM) && !has_comm(record->sample.comm))
		return 0;

	record->sample.pid = pid;
	record->sample.unwind = PROFILER_END_NO_STACK;
	record->sample.walked = 0;
	record->sample.user_frames = 0;
	record->sample.snapshot = 0;
	if ((config.stacks & PROFILER_STACK_KERNEL) && !IS_USER_MODE(context->registers)) {
		frames = take_stack(context, record->frames, 0);
		if (frames > 0)
			kernel_frames = frames & PROFILER_MAX_FRAMES;
		else
			count(PROFILER_COUNT_KERNEL_FAILED);
	}
	if ((config.stacks & PROFILER_STACK_USER) && (IS_USER_MODE(context->registers) || has_user_stack(task)))
		if (walk)
			walk_or_copy(context, record, kernel_frames);
		else
			record->sample.user_frames = get_user_stack(context, record, kernel_frames);
	else if (config.stacks == PROFILER_STACK_USER)
		return 0; /* only user stacks are wanted and this task has none */
	if (config.stacks == PROFILER_STACK_KERNEL && !kernel_frames)
		return 0; /* only kernel stacks are wanted and this is user mode */

	record->sample.time = bpf_ktime_get_ns();
	record->sample.weight = context->sample_period;
	record->sample.cgroup_id = bpf_get_current_cgroup_id();
	record->sample.tid = tid;
	record->sample.cpu = bpf_get_smp_processor_id();
	record->sample.event = config.event;
	record->sample.kernel_frames = kernel_frames;
	/* No wake-up: userspace drains on a timer, which costs the target nothing. */
	words = kernel_frames + record->sample.user_frames + record->sample.snapshot;
	if (words > PROFILER_MAX_WORDS)
		words = PROFILER_MAX_WORDS; /* never; the verifier has lost sight of the sum */
	if (bpf_ringbuf_output(&samples, record, sizeof(record->sample) + words * sizeof(u64), BPF_RB_NO_WAKEUP))
		count(PROFILER_COUNT_RING_FULL);
	else
		count(PROFILER_COUNT_SAMPLES);
	return 0;
}

/* bpf_loop needs Linux 5.17. */
SEC("perf_event")
int sample(struct profiler_perf_context *context)
{
	return take_sample(context, 1);
}

/* Without unwind tables: `--unwind fp`, and kernels that cannot load the other. */
SEC("perf_event")
int sample_frame_pointers(struct profiler_perf_context *context)
{
	return take_sample(context, 0);
}

static __always_inline void follow_child(u32 parent, u32 child)
{
	u32 *target = bpf_map_lookup_elem(&targets, &parent), process = PROFILER_TARGET_PROCESS;

	if (!config.inherit || !target || !(*target & PROFILER_TARGET_PROCESS))
		return;
	if (bpf_map_update_elem(&targets, &child, &process, BPF_ANY))
		count(PROFILER_COUNT_TARGETS_FULL);
}

/* (parent, child). Runs in the parent before the child is woken: a child is a target, and has the mappings of its
 * parent, from its first instruction. */
SEC("raw_tp/sched_process_fork")
int process_fork(struct bpf_raw_tracepoint_args *context)
{
	u32 parent = process_id((struct task_struct *)context->args[0]);
	u32 child = process_id((struct task_struct *)context->args[1]);
	struct profiler_unwind_process *process;

	if (child == parent) /* a thread */
		return 0;
	follow_child(parent, child);
	process = bpf_map_lookup_elem(&processes, &parent);
	if (process)
		bpf_map_update_elem(&processes, &child, process, BPF_ANY);
	return 0;
}

/* (task, ...). From here on its addresses mean something else. */
SEC("raw_tp/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	u32 pid = process_id(task);

	bpf_map_delete_elem(&processes, &pid);
	if (!(config.filter & PROFILER_FILTER_TARGET) || is_target(pid, thread_id(task)))
		wake();
	return 0;
}

/* (task, ...). The id of a thread that ends may be given to a stranger: forget it. A process ends with the last of
 * its threads, not with its leader. */
SEC("raw_tp/sched_process_exit")
int process_exit(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	u32 pid = process_id(task), tid = thread_id(task);
	u32 *target = bpf_map_lookup_elem(&targets, &tid);

	if (target && *target == PROFILER_TARGET_THREAD)
		bpf_map_delete_elem(&targets, &tid);
	if (BPF_CORE_READ(task, signal, live.counter) == 0) {
		bpf_map_delete_elem(&targets, &pid);
		bpf_map_delete_elem(&processes, &pid);
	}
	return 0;
}

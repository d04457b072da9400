/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stack walk: from registers to return addresses, by the rules that src/unwind compiled from .eh_frame. The BPF
 * programs include it, and so does the addon, where the same walk runs over saved registers and stack bytes.
 *
 * Before it is included, these have to be there, always inlined:
 *   const unsigned char *unwind_chunk(u32 index)           memory of a chunk of the heap, or NULL
 *   struct profiler_unwind_file *unwind_file(u32 index)    or NULL
 *   long unwind_copy(void *into, u32 size, u64 address)    0, or < 0 when memory cannot be read
 *   struct profiler_known_rule *unwind_known(u32 index)    of PROFILER_KNOWN_RULES that nobody else writes, or NULL
 *
 * The verifier dictates the form. It follows every path, so searches take a fixed number of steps without a branch, and
 * every offset is masked by the size of a chunk, which is a power of two. Whatever the tables hold, no read leaves its
 * chunk.
 */
#ifndef PROFILER_UNWIND_H
#define PROFILER_UNWIND_H

#include "records.h"

#define UNWIND_WINDOW 128 /* words of 8 bytes; a power of two */
#define UNWIND_NOWHERE (1ull << 63) /* no address that can be read is near */

/* Registers at the start of a walk, and what it needs from one frame to the next. */
struct profiler_walk {
	u64 pc;
	u64 sp;
	u64 fp;
	u64 extra; /* profiler_start.extra: only what was interrupted still has it (PROFILER_FRAME_EXACT in `marks`) */

	/* The mapping of the last frame. */
	u64 start;
	u64 end;
	u64 bias;
	u32 table; /* heap address, or enum profiler_unwind_state */

	/* The mappings of the process. */
	u64 id; /* profiler_unwind_mappings.id */
	u32 mappings; /* heap address */
	u32 count;

	u32 frame_pointers; /* code without rules is left by its frame pointer */
	u32 marks;	    /* enum profiler_frame_mark of `pc` */
	u32 ended;	    /* enum profiler_unwind_end */
	u32 guessed;	    /* what the walk ends with, since a table was missing on its way; 0 when none was */
	u32 unknown;	    /* it met code whose mapping or table may come yet */
	u32 depth;
	u32 kernel; /* the leaf has entered the kernel */

	/* A copy of the stack from `window_at` on: reads of user memory cost a call chain each, and the next frames are close
	 * together. */
	u64 window_at;
	u64 window[UNWIND_WINDOW];
};

/* Sets a walk out; the mappings of the process have to be told as well. */
static __always_inline void unwind_start(struct profiler_walk *walk, const struct profiler_start *start)
{
	walk->pc = start->pc;
	walk->sp = start->sp;
	walk->fp = start->fp;
	walk->extra = start->extra;
	walk->kernel = start->kernel;
	walk->start = walk->end = 0;
	walk->marks = PROFILER_FRAME_EXACT;
	walk->guessed = 0;
	walk->unknown = 0;
	walk->depth = 0;
	walk->ended = PROFILER_END_TRUNCATED;
	walk->window_at = UNWIND_NOWHERE;
}

/* Reads `words` words, at most 8: 0, or < 0. */
static __always_inline long unwind_read(struct profiler_walk *walk, u64 *into, u32 words, u64 address)
{
	u64 offset = address - walk->window_at;

	if (offset > (UNWIND_WINDOW - words) * sizeof(u64) || (offset & 7)) {
		/* Near the end of the stack only what is asked for is there. */
		if (unwind_copy(walk->window, sizeof(walk->window), address)) {
			walk->window_at = UNWIND_NOWHERE;
			return unwind_copy(into, words * sizeof(u64), address);
		}
		walk->window_at = address;
		offset = 0;
	}
	for (u32 i = 0; i < words; i++)
		into[i] = walk->window[((offset >> 3) + i) & (UNWIND_WINDOW - 1)];
	return 0;
}

/* What the verifier need not look at again for each way to get there. */
#if defined(__bpf__)
#define UNWIND_FUNCTION __noinline
#else
#define UNWIND_FUNCTION static
#endif

/* All ones when a < b, for values whose difference is below 2^63. A comparison would be a branch, and each branch of a
 * search doubles what the verifier walks. */
static __always_inline u64 unwind_less(u64 a, u64 b)
{
	u64 mask = a - b;

	__asm__ volatile("" : "+r"(mask)); /* else clang sees what is meant and makes a branch of it: before the shift, */
	mask = (u64)((long long)mask >> 63);
	__asm__ volatile("" : "+r"(mask)); /* and after it */
	return mask;
}

static __always_inline const unsigned char *unwind_piece(u32 address, u32 *offset)
{
	*offset = (address << 3) & (PROFILER_CHUNK_BYTES - 1);
	return unwind_chunk(address >> PROFILER_CHUNK_SHIFT);
}

/*
 * Heap address of the last of the `count` mappings that starts at `address` or below; the first one if
 * none does.
 */
UNWIND_FUNCTION u32 unwind_search_mappings(u32 mappings, u32 count, u64 address)
{
	const struct profiler_unwind_mapping *mapping;
	u32 offset, low = 0;
	const unsigned char *chunk = unwind_piece(mappings, &offset);

	if (!chunk || !count)
		return 0;
	offset += sizeof(struct profiler_unwind_mappings);
	for (u32 step = (PROFILER_MAX_MAPPINGS + 1) / 2; step; step >>= 1) {
		u32 middle = low + step;
		u32 at = (offset + middle * sizeof(*mapping)) & (PROFILER_CHUNK_BYTES - sizeof(*mapping));

		mapping = (const void *)(chunk + at);
		low += step & unwind_less(middle, count) & ~unwind_less(address, mapping->start);
	}
	return mappings + (sizeof(struct profiler_unwind_mappings) + low * sizeof(*mapping)) / 8;
}

/* The rule, as struct profiler_unwind_rule, for a virtual address of the file whose table is at `table`. */
UNWIND_FUNCTION u64 unwind_search_rules(u32 table_address, u64 address)
{
	const struct profiler_unwind_table *table;
	const struct profiler_unwind_page *page;
	const struct profiler_unwind_row *row;
	const unsigned char *head, *chunk;
	u32 head_at, at, low = 0, count, pc;
	u64 index;

	head = unwind_piece(table_address, &head_at);
	if (!head)
		return PROFILER_RULE_NONE;
	table = (const void *)(head + (head_at & (PROFILER_CHUNK_BYTES - sizeof(*table))));
	index = (address - table->start) >> PROFILER_PAGE_SHIFT;
	pc = (u32)address & ((1 << PROFILER_PAGE_SHIFT) - 1);
	if (index >= table->pages)
		return PROFILER_RULE_NONE;
	at = head_at + sizeof(*table) + (u32)index * sizeof(*page);
	page = (const void *)(head + (at & (PROFILER_CHUNK_BYTES - sizeof(*page))));
	count = page->count;
	chunk = unwind_piece(page->rows, &at);
	if (!chunk)
		return PROFILER_RULE_NONE;
	for (u32 step = (PROFILER_MAX_PAGE_ROWS + 1) / 2; step; step >>= 1) {
		u32 middle = low + step;

		row = (const void *)(chunk + ((at + middle * sizeof(*row)) & (PROFILER_CHUNK_BYTES - sizeof(*row))));
		low += step & unwind_less(middle, count) & ~unwind_less(pc, row->pc);
	}
	row = (const void *)(chunk + ((at + low * sizeof(*row)) & (PROFILER_CHUNK_BYTES - sizeof(*row))));
	at = head_at + sizeof(*table) + table->pages * sizeof(*page) + row->rule * sizeof(u64);
	return *(const u64 *)(head + (at & (PROFILER_CHUNK_BYTES - sizeof(u64))));
}

/* The mapping that holds the code at `address`: 0, or -1 when there is none. */
static __always_inline int unwind_find_mapping(struct profiler_walk *walk, u64 address)
{
	const struct profiler_unwind_mapping *mapping;
	struct profiler_unwind_file *file;
	u32 offset;
	const unsigned char *chunk = unwind_piece(unwind_search_mappings(walk->mappings, walk->count, address), &offset);

	if (!chunk)
		return -1;
	mapping = (const void *)(chunk + (offset & (PROFILER_CHUNK_BYTES - sizeof(*mapping))));
	if (address < mapping->start || address >= mapping->end)
		return -1;
	walk->start = mapping->start;
	walk->end = mapping->end;
	walk->bias = mapping->bias;
	walk->table = PROFILER_TABLE_ABSENT;
	file = unwind_file(mapping->file); /* none for generated code */
	if (file) {
		walk->table = file->table;
		if (!file->used)
			file->used = 1;
	}
	return 0;
}

/* The rule for the code at `address`, which lies in the mapping found last. Stacks have most of their callers in common,
 * and the search is half of what a frame costs. */
static __always_inline struct profiler_unwind_rule unwind_find_rule(struct profiler_walk *walk, u64 address)
{
	u32 hash = ((u32)address ^ (u32)walk->id) * 0x9e3779b1;
	struct profiler_known_rule *known = unwind_known(hash >> 21);
	union {
		u64 word;
		struct profiler_unwind_rule rule;
	} found;

	if (known && known->address == address && known->id == walk->id) {
		found.word = known->rule;
		return found.rule;
	}
	found.word = unwind_search_rules(walk->table, address - walk->bias);
	if (known && found.rule.kind != PROFILER_RULE_NONE) {
		known->id = walk->id;
		known->address = address;
		known->rule = found.word;
	}
	return found.rule;
}

static __always_inline int unwind_end(struct profiler_walk *walk, u32 end)
{
	walk->ended = walk->guessed ? walk->guessed : end;
	return 1;
}

/* arm64 signs return addresses above the 48 bits of user addresses (FEAT_PAuth). */
static __always_inline u64 unwind_return_address(u64 address)
{
#if defined(__TARGET_ARCH_arm64)
	return address & ((1ull << 48) - 1);
#else
	return address;
#endif
}

/* Where the kernel's signal frame (struct rt_sigframe) has the interrupted frame pointer, from sp on, and how many words
 * on it ends with sp and pc. */
#if defined(__TARGET_ARCH_arm64)
#define UNWIND_SIGNAL_FP (128 + 176 + 8 + 29 * 8) /* siginfo, ucontext up to the registers, fault address, x0-x28 */
#define UNWIND_SIGNAL_WORDS 4			   /* x29, x30, sp, pc */
#else
#define UNWIND_SIGNAL_R10 56  /* ucontext up to the registers is 40 bytes, r8, r9 */
#define UNWIND_SIGNAL_FP 120  /* r10-r15, rdi, rsi */
#define UNWIND_SIGNAL_WORDS 7 /* rbp, rbx, rdx, rax, rcx, rsp, rip */
#endif

static __always_inline int unwind_signal(struct profiler_walk *walk)
{
	u64 saved[UNWIND_SIGNAL_WORDS];

	if (unwind_read(walk, saved, UNWIND_SIGNAL_WORDS, walk->sp + UNWIND_SIGNAL_FP))
		return unwind_end(walk, PROFILER_END_BAD_READ);
	walk->fp = saved[0];
#if defined(__TARGET_ARCH_arm64)
	walk->extra = saved[1];
#else
	if (unwind_read(walk, &walk->extra, 1, walk->sp + UNWIND_SIGNAL_R10))
		return unwind_end(walk, PROFILER_END_BAD_READ);
#endif
	/* May be lower than before: the handler may have a stack of its own. */
	walk->sp = saved[UNWIND_SIGNAL_WORDS - 2];
	walk->pc = saved[UNWIND_SIGNAL_WORDS - 1];
	walk->marks = PROFILER_FRAME_EXACT;
	return 0;
}

/*
 * Code without rules: the frame pointer leads to the caller's, with the return address above it (both ABIs). `anywhere`:
 * it is known to be a frame pointer, and may lead to another stack. `may_be_outermost`: a frame pointer of 0 says that it is.
 */
static __always_inline int unwind_by_frame_pointer(struct profiler_walk *walk, int anywhere, int may_be_outermost)
{
	u64 saved[2];

	if (!walk->frame_pointers)
		return unwind_end(walk, PROFILER_END_NO_RULE);
	if (!walk->fp)
		return unwind_end(walk, may_be_outermost ? PROFILER_END_COMPLETE : PROFILER_END_NO_RULE);
	if ((walk->fp < walk->sp && !anywhere) || (walk->fp & 7))
		return unwind_end(walk, PROFILER_END_NO_RULE);
	if (unwind_read(walk, saved, 2, walk->fp))
		return unwind_end(walk, PROFILER_END_BAD_READ);
	/* crosscall2, by which C calls Go, saves the frame pointer twice, one above the other. */
	if (saved[0] == walk->fp + sizeof(u64)) {
		walk->fp = saved[0];
		if (unwind_read(walk, saved, 2, walk->fp))
			return unwind_end(walk, PROFILER_END_BAD_READ);
	}
	if (!saved[1])
		return unwind_end(walk, saved[0] ? PROFILER_END_NO_RULE : PROFILER_END_COMPLETE);
	walk->sp = walk->fp + sizeof(saved);
	walk->fp = saved[0];
	walk->pc = unwind_return_address(saved[1]);
	walk->marks = PROFILER_FRAME_FRAME_POINTER;
	return 0;
}

/* The canonical frame address: the caller's sp. */
static __always_inline int unwind_cfa(struct profiler_walk *walk, struct profiler_unwind_rule rule, u64 *cfa)
{
	u64 base = walk->sp;

	if (rule.kind == PROFILER_RULE_FP || rule.kind == PROFILER_RULE_FP_DEREF)
		base = walk->fp;
	if (rule.kind == PROFILER_RULE_EXTRA)
		base = walk->extra;
	base += (long long)rule.cfa * 8;
	if (rule.kind == PROFILER_RULE_PLT && (walk->pc & 15) >= (u64)rule.fp)
		base += 8;
	if (rule.kind == PROFILER_RULE_FP_DEREF && unwind_read(walk, &base, 1, base))
		return unwind_end(walk, PROFILER_END_BAD_READ);
	/* Only a leaf of arm64 has a frame without a byte. */
	if (base < walk->sp || (base == walk->sp && (rule.saved & PROFILER_SAVED_RA)) || (base & 7))
		return unwind_end(walk, PROFILER_END_CORRUPT);
	*cfa = base;
	return 0;
}

/* Leaves a frame by its rule. */
static __always_inline int unwind_by_rule(struct profiler_walk *walk, struct profiler_unwind_rule rule)
{
	u64 cfa, fp = walk->fp;

	if (unwind_cfa(walk, rule, &cfa))
		return 1;
	if (rule.saved & (PROFILER_SAVED_FP | PROFILER_SAVED_FP_AT_FP)) {
		u64 from = (rule.saved & PROFILER_SAVED_FP ? cfa : walk->fp) + (long long)rule.fp * 8;

		/* Compilers do not tell that it was popped. At the `ret` it lies below sp, where a copied stack has nothing, and
		 * the register has its old value again. */
		if (unwind_read(walk, &fp, 1, from)) {
			if (from >= walk->sp)
				return unwind_end(walk, PROFILER_END_BAD_READ);
			fp = walk->fp;
		}
	}
	if (rule.saved & PROFILER_SAVED_RA) {
		if (unwind_read(walk, &walk->pc, 1, cfa + (long long)rule.ra * 8))
			return unwind_end(walk, PROFILER_END_BAD_READ);
	} else {
		/* Only what was interrupted still has its return address in the link register. */
		if (!(walk->marks & PROFILER_FRAME_EXACT))
			return unwind_end(walk, PROFILER_END_CORRUPT);
		walk->pc = walk->extra;
	}
	walk->pc = unwind_return_address(walk->pc);
	walk->fp = fp;
	walk->sp = cfa;
	walk->marks = 0;
	return 0;
}

/*
 * One frame: `pc` is written to frames[depth], and the registers become those of its caller. 1 when the walk has ended.
 * `frames` has room for PROFILER_MAX_WALK + 1.
 */
static __always_inline int unwind_step(struct profiler_walk *walk, u64 *frames)
{
	/* A return address may be the first one behind its function: look at the call. */
	u64 address = walk->pc - !(walk->marks & PROFILER_FRAME_EXACT);
	struct profiler_unwind_rule rule = { .kind = PROFILER_RULE_NONE };

	if (!walk->pc)
		return unwind_end(walk, PROFILER_END_COMPLETE); /* where coroutines and hand-made stacks begin */
	if ((address < walk->start || address >= walk->end) && unwind_find_mapping(walk, address)) {
		walk->unknown = 1;
		if (!walk->depth)
			return unwind_end(walk, PROFILER_END_NO_TABLE);
		return unwind_end(walk, walk->marks & PROFILER_FRAME_FRAME_POINTER ? PROFILER_END_NO_RULE : PROFILER_END_CORRUPT);
	}
	frames[walk->depth & PROFILER_MAX_WALK] = walk->pc | (u64)walk->marks << PROFILER_FRAME_SHIFT;
	walk->depth++;
	if (walk->table >= PROFILER_TABLE_FIRST) {
		rule = unwind_find_rule(walk, address);
		/* A system call may be the last instruction of its function: of the one that returns from a signal, it is. */
		if (rule.kind == PROFILER_RULE_NONE && walk->kernel && walk->depth == 1)
			rule = unwind_find_rule(walk, address - 1);
	} else if (walk->table == PROFILER_TABLE_PENDING) {
		walk->unknown = walk->guessed = PROFILER_END_NO_TABLE;
	} else if (walk->table == PROFILER_TABLE_EVICTED) {
		walk->guessed = PROFILER_END_EVICTED;
	}
	switch (rule.kind) {
	case PROFILER_RULE_END:
		return unwind_end(walk, PROFILER_END_COMPLETE);
	case PROFILER_RULE_SIGNAL:
		return unwind_signal(walk);
	case PROFILER_RULE_UNSUPPORTED: {
		/* The flag: all of the file has frame pointers, whatever stack they lead to. */
		int trusted = !!(rule.saved & PROFILER_EXACT_ONLY);

		return unwind_by_frame_pointer(walk, trusted, trusted && walk->depth > 1);
	}
	case PROFILER_RULE_NONE:
		/* Among code that has rules, what was interrupted may have a frame pointer of 0 by chance. */
		return unwind_by_frame_pointer(walk, 0, walk->table < PROFILER_TABLE_FIRST || walk->depth > 1);
	case PROFILER_RULE_EXTRA:
		if (!(walk->marks & PROFILER_FRAME_EXACT))
			return unwind_end(walk, PROFILER_END_NO_RULE);
		return unwind_by_rule(walk, rule);
	default:
		/* Go's runtime changes stacks in the middle of functions, which its rules do not tell. */
		if ((rule.saved & PROFILER_EXACT_ONLY) && !(walk->marks & PROFILER_FRAME_EXACT) && walk->frame_pointers)
			return unwind_by_frame_pointer(walk, 1, 1);
		return unwind_by_rule(walk, rule);
	}
}

#endif

#include "walk.h"

#include <linux/types.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#if defined(__aarch64__)
#define __TARGET_ARCH_arm64
#endif

#include "../bpf/records.h"

// The hooks of unwind.h have no argument for it.
static __thread const struct walk_memory *memory;

static const unsigned char *unwind_chunk(u32 index) { return index < memory->chunk_count ? memory->chunks[index] : NULL; }

static struct profiler_unwind_file *unwind_file(u32 index) {
  return index < memory->file_count ? (struct profiler_unwind_file *)memory->files + index : NULL;
}

static long unwind_copy(void *into, u32 size, u64 address) {
  u64 offset = address - memory->stack_address;
  if (offset > memory->stack_bytes || size > memory->stack_bytes - offset) return -1;
  memcpy(into, memory->stack + offset, size);
  return 0;
}

// Few walks run here.
static struct profiler_known_rule *unwind_known(u32 index) {
  (void)index;
  return NULL;
}

#include "../bpf/unwind.h"

uint32_t walk_stack(const struct walk_memory *of, const uint64_t registers[WALK_REGISTERS], uint32_t mappings, uint32_t count,
                    int frame_pointers, uint64_t *frames, uint32_t *depth) {
  struct profiler_start start = {registers[0], registers[1], registers[2], registers[3], registers[4]};
  struct profiler_walk walk = {.mappings = mappings, .count = count, .frame_pointers = frame_pointers != 0};
  memory = of;
  unwind_start(&walk, &start);
  for (int i = 0; i < PROFILER_MAX_WALK && !unwind_step(&walk, (u64 *)frames); i++) {
  }
  *depth = walk.depth;
  return walk.ended;
}

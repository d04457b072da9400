// The stack walk of bpf/unwind.h over memory of this process.
#ifndef PROFILER_WALK_H
#define PROFILER_WALK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a walk reads: the heap of unwind tables and a copy of the stack.
struct walk_memory {
  const unsigned char *const *chunks;  // of PROFILER_CHUNK_BYTES; NULL where there is none
  size_t chunk_count;
  void *files;  // struct profiler_unwind_file
  size_t file_count;
  const unsigned char *stack;
  size_t stack_bytes;
  uint64_t stack_address;
};

enum { WALK_REGISTERS = 5 };

// Walks from the registers of struct profiler_start, with the `count` mappings of the piece at heap address `mappings`. `frames`
// has room for PROFILER_MAX_WALK + 1. Returns how it ended (enum profiler_unwind_end), and the number of frames in `depth`.
uint32_t walk_stack(const struct walk_memory *memory, const uint64_t registers[WALK_REGISTERS], uint32_t mappings, uint32_t count,
                    int frame_pointers, uint64_t *frames, uint32_t *depth);

#ifdef __cplusplus
}
#endif

#endif

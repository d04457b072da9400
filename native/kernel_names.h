// Names of kernel addresses, by the kernel itself.
#ifndef PROFILER_KERNEL_NAMES_H
#define PROFILER_KERNEL_NAMES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What the program reads and writes; shared with it.
struct kernel_name {
  uint64_t address;
  char text[632];  // longer than KSYM_NAME_LEN with offset, size and module
};

struct kernel_names {
  int data, format, program;
  struct kernel_name *name;
};

// Returns 0, or an errno with what the verifier said in `log`. Close it in any case.
int kernel_names_open(struct kernel_names *names, char *log, size_t log_bytes);
// `name+0xoffset/0xsize [module]`, `0xaddress` when there is no symbol, NULL when the kernel refuses.
const char *kernel_names_at(struct kernel_names *names, uint64_t address);
void kernel_names_close(struct kernel_names *names);

#ifdef __cplusplus
}
#endif

#endif

// A BPF program that prints an address with %pS. To look up one address so costs a microsecond; /proc/kallsyms can only be
// read as a whole, which costs 50 ms in the kernel alone.
#include "kernel_names.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int array(const char *name, size_t bytes, uint32_t flags) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
  return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), bytes, 1, &options);
}

// The helper wants its format constant: in a frozen map that programs may not write.
static int constant(const char *name, const char *text, size_t bytes) {
  uint32_t first = 0;
  int map = array(name, bytes, BPF_F_RDONLY_PROG);
  if (map < 0) return map;
  if (!bpf_map_update_elem(map, &first, text, BPF_ANY) && !bpf_map_freeze(map)) return map;
  close(map);
  return -1;
}

// bpf_snprintf(name->text, sizeof(name->text), format, &name->address, 8)
static int load(int data, int format, char *log, size_t log_bytes) {
  const struct bpf_insn program[] = {
      {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_4, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = data},
      {0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_4},
      {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = offsetof(struct kernel_name, text)},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = sizeof(((struct kernel_name *)0)->text)},
      {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_3, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = format},
      {0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_5, .imm = sizeof(uint64_t)},
      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_snprintf},
      {.code = BPF_JMP | BPF_EXIT},
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = log_bytes);
  return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "kernel_name", "Dual BSD/GPL", program,
                       sizeof(program) / sizeof(*program), &options);
}

int kernel_names_open(struct kernel_names *names, char *log, size_t log_bytes) {
  *names = (struct kernel_names){-1, -1, -1, NULL};
  names->data = array("kernel_name", sizeof(struct kernel_name), BPF_F_MMAPABLE);
  if (names->data < 0) return errno;
  names->format = constant("kernel_format", "%pS", sizeof("%pS"));
  if (names->format < 0) return errno;
  names->program = load(names->data, names->format, log, log_bytes);
  if (names->program < 0) return errno;
  void *memory = mmap(NULL, sizeof(struct kernel_name), PROT_READ | PROT_WRITE, MAP_SHARED, names->data, 0);
  if (memory == MAP_FAILED) return errno;
  names->name = memory;
  return 0;
}

const char *kernel_names_at(struct kernel_names *names, uint64_t address) {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  names->name->address = address;
  names->name->text[0] = 0;
  if (bpf_prog_test_run_opts(names->program, &options)) return NULL;
  names->name->text[sizeof(names->name->text) - 1] = 0;
  return names->name->text;
}

void kernel_names_close(struct kernel_names *names) {
  if (names->name) munmap(names->name, sizeof(struct kernel_name));
  const int descriptors[] = {names->data, names->format, names->program};
  for (size_t i = 0; i < 3; i++)
    if (descriptors[i] >= 0) close(descriptors[i]);
  *names = (struct kernel_names){-1, -1, -1, NULL};
}

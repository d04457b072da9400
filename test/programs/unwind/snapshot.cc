// Writes what a stack walk starts from, and where glibc's backtrace() says that the stack leads to: once at the end of
// a chain of calls, once below a signal handler, and then at every instruction of a chain of calls, by single steps.
// Compiled with -fomit-frame-pointer. x86-64 only.
//   snapshot OUTPUT
// The output is 64-bit words; for each spot: what it is, pc, sp, fp, the number of frames, the number of words of stack,
// the frames, the stack from sp on. The first frame is where backtrace() was called, near to pc. The text on stdout is
// /proc/self/maps.
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <initializer_list>

#define KEPT __attribute__((noinline, noclone))
// No tail calls.
#define DONE __asm__ volatile("" ::: "memory")

namespace {

enum Spot { kMain, kThread, kHandler, kAlternate, kStep };

constexpr size_t kThreadStack = 512 << 10, kAlternateStack = 128 << 10;
constexpr size_t kEveryStep = 4000, kBufferWords = 48 << 20 >> 3;

uint64_t *output;
size_t used;
size_t steps;
thread_local uint64_t top;
Spot spot;

KEPT void capture(Spot what) {
  void *frames[64];
  uint64_t pc, sp, fp;
  int count = backtrace(frames, 64);
  __asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2" : "=r"(pc), "=r"(sp), "=r"(fp));
  size_t words = (top - sp) / 8;
  if (used + 6 + count + words > kBufferWords) return;
  for (uint64_t word : {uint64_t(what), pc, sp, fp, uint64_t(count), uint64_t(words)}) output[used++] = word;
  for (int i = 0; i < count; i++) output[used++] = reinterpret_cast<uint64_t>(frames[i]);
  memcpy(output + used, reinterpret_cast<void *>(sp), words * 8);
  used += words;
}

int compare(const void *a, const void *b) {
  static bool captured;
  if (!captured && spot != kStep) {
    captured = true;
    capture(spot);
    captured = false;
    spot = kStep;
  }
  int left = *static_cast<const int *>(a), right = *static_cast<const int *>(b);
  return left < right ? -1 : left > right;
}

KEPT void sort(int count) {
  int numbers[24];
  for (int i = 0; i < count; i++) numbers[i] = i * 7 % 11;
  qsort(numbers, count, sizeof(numbers[0]), compare);
  __asm__ volatile("" ::"r"(numbers) : "memory");
}

// The stack pointer moves by an amount that no table knows: the frame pointer is used after all.
KEPT void variable(size_t size, int count) {
  char *memory = static_cast<char *>(alloca(size));
  memory[0] = memory[size - 1] = 1;
  __asm__ volatile("" ::"r"(memory) : "memory");
  sort(count);
  DONE;
}

// The stack is aligned: its caller's stack pointer is in memory.
KEPT void aligned(size_t size, int count) {
  alignas(64) volatile char block[128];
  block[0] = 1;
  variable(size, count);
  (void)block[0];
}

KEPT uint64_t many_registers(uint64_t a, uint64_t b, uint64_t c, uint64_t d, size_t size, int count) {
  uint64_t e = a * b, f = b * c, g = c * d, h = d * a;
  aligned(size, count);
  return a + b + c + d + e + f + g + h;
}

KEPT void recurse(int depth, int count) {
  volatile char frame[40];
  frame[0] = 1;
  if (depth > 0) {
    recurse(depth - 1, count);
  } else {
    __asm__ volatile("" ::"r"(many_registers(1, 2, 3, 4, 100 + 16 * count, count)));
  }
  (void)frame[0];
}

KEPT void chain(Spot what) {
  spot = what;
  recurse(5, 12);
  DONE;
}

void handle(int) {
  chain(kHandler);
  DONE;
}

void handle_alternate(int) {
  chain(kAlternate);
  DONE;
}

// The interrupted instruction is the next one to run, whatever the one before it has done to the stack. What makes an
// exception takes some 20,000 instructions: not all of them are looked at.
void step(int) {
  if (++steps <= kEveryStep || steps % 11 == 0) capture(kStep);
}

void set_handler(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

KEPT void system_code() {
  struct timespec now;
  char text[64];
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(text, sizeof(text), "%.3f", 12345.678);
  free(malloc(100));
  __asm__ volatile("" ::"r"(&now), "r"(text) : "memory");
}

KEPT void fail(int number) {
  volatile char frame[100];
  frame[0] = 1;
  if (number > 0) throw number;
  (void)frame[0];
}

KEPT void stepped() {
  recurse(1, 6);
  system_code();
  try {
    fail(1);
  } catch (int) {
    DONE;
  }
}

// The trap flag: SIGTRAP after every instruction from here to the other one.
KEPT void step_through() {
  spot = kStep;
  stepped(); // whatever is done once, has been done
  __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
  stepped();
  __asm__ volatile("pushfq\n\tandl $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

KEPT void raise_signals() {
  raise(SIGUSR1);
  DONE;
}

void *thread(void *stack) {
  top = reinterpret_cast<uint64_t>(stack) + kThreadStack;
  chain(kThread);
  // The alternate stack is the lower end of the stack, so that one copy holds both.
  stack_t alternate = {};
  alternate.ss_sp = stack;
  alternate.ss_size = kAlternateStack;
  sigaltstack(&alternate, nullptr);
  raise(SIGUSR2);
  DONE;
  return nullptr;
}

void copy_maps() {
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof(line), maps)) fputs(line, stdout);
  if (maps) fclose(maps);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  void *warm[4];
  backtrace(warm, 4); // loads libgcc_s
  system_code();
  output = static_cast<uint64_t *>(malloc(kBufferWords * 8));
  void *stack;
  if (!output || posix_memalign(&stack, 4096, kThreadStack)) return 1;
  copy_maps();
  top = reinterpret_cast<uint64_t>(argv);  // what is above was there before the program
  set_handler(SIGUSR1, handle, 0);
  set_handler(SIGUSR2, handle_alternate, SA_ONSTACK);
  set_handler(SIGTRAP, step, 0);

  chain(kMain);
  raise_signals();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, kThreadStack);
  pthread_t id;
  if (pthread_create(&id, &attributes, thread, stack)) return 1;
  pthread_join(id, nullptr);
  step_through();

  FILE *file = fopen(argv[1], "w");
  return !file || fwrite(output, 8, used, file) != used || fclose(file);
}

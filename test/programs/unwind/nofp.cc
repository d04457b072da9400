// Burns CPU time at the end of 40 calls without frame pointers: main, run, level<1> … level<40>, leaf. The levels have
// frames of all the kinds that a compiler makes, and the leaves are in this program, in its library (through the PLT), in
// libc and in the kernel, or throw an exception that level<20> catches. Compiled with -fomit-frame-pointer and linked with
// library.cc; -DLARGE_FRAME=65536 makes the frame of level<15> that large.
//   nofp SECONDS [THREADS]
#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef LARGE_FRAME
#define LARGE_FRAME 256
#endif

// Neither inlined nor cloned: every level is one function with one name.
#define KEPT __attribute__((noinline, noclone))

extern "C" void library_through(void (*next)(unsigned), unsigned path);
extern "C" void library_work(unsigned rounds);

namespace nofp {

constexpr int kDepth = 40;

time_t deadline;
int null_device;

KEPT void work(int rounds) {
  for (volatile int i = 0; i < rounds; i++) {
  }
}

/** Called by qsort, deep in libc. */
KEPT int compare(const void *a, const void *b) {
  work(20);
  return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

KEPT void sort(unsigned path) {
  int numbers[64];
  for (int &number : numbers) number = static_cast<int>((path = path * 1664525 + 1013904223) >> 8);
  qsort(numbers, 64, sizeof(int), compare);
  __asm__ volatile("" : : "r"(numbers) : "memory");
}

KEPT void copy() {
  char from[1024], to[1024];
  memset(from, 'x', sizeof(from) - 1);
  from[sizeof(from) - 1] = 0;
  for (int i = 0; i < 400; i++) {
    memcpy(to, from, sizeof(to));
    __asm__ volatile("" : : "r"(to) : "memory");
    // Else the compiler knows the length.
    size_t length = strlen(to);
    __asm__ volatile("" : : "r"(length) : "memory");
  }
}

KEPT void allocate() {
  void *blocks[64];
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 64; i++) blocks[i] = malloc(16u << (i % 10));
    for (int i = 0; i < 64; i++) free(blocks[(i * 7) % 64]);
  }
}

KEPT void print(unsigned path) {
  char text[64];
  for (int i = 0; i < 50; i++) snprintf(text, sizeof(text), "%d %g %s", i, path / 7.0, "text");
  __asm__ volatile("" : : "r"(text) : "memory");
}

/** The kernel is sampled below a user stack. */
KEPT void calls() {
  static const char bytes[512] = {};
  for (int i = 0; i < 40; i++) {
    if (write(null_device, bytes, sizeof(bytes)) < 0) _exit(3);
    getppid();
    syscall(SYS_getuid);
  }
}

KEPT void fail() { throw 40; }

KEPT void leaf(unsigned path) {
  switch (path % 8) {
    case 0: sort(path); break;
    case 1: copy(); break;
    case 2: allocate(); break;
    case 3: print(path); break;
    case 4: calls(); break;
    case 5: library_work(10000); break;
    case 6:
      if ((path >> 3) % 4 == 0) fail();
      work(10000);
      break;
    default: work(10000);
  }
  __asm__ volatile("");
}

template <int Level>
void level(unsigned path);

template <int Level>
inline __attribute__((always_inline)) void descend(unsigned path) {
  if constexpr (Level == kDepth)
    leaf(path);
  else
    level<Level + 1>(path);
  __asm__ volatile("");  // no tail calls
}

/** Has a destructor, so that an exception stops here on its way. */
struct Guard {
  unsigned value;
  ~Guard() { __asm__ volatile("" : : "r"(value)); }
};

/** Frames of many sizes, with one to six saved registers: the frame's size and the pushes come from the level. */
template <int Level>
KEPT void level(unsigned path) {
  volatile char frame[16 + Level % 7 * 24];
  frame[0] = static_cast<char>(path);
  unsigned kept[1 + Level % 6];
  for (unsigned i = 0; i < 1 + Level % 6; i++) kept[i] = path * (i + Level);
  for (unsigned &value : kept) __asm__ volatile("" : "+r"(value));
  if constexpr (Level % 7 == 0) {
    Guard guard{path};
    descend<Level>(path);
  } else {
    descend<Level>(path);
  }
  for (unsigned &value : kept) __asm__ volatile("" : : "r"(value));
}

/** A frame whose size is not known: its CFA comes from rbp. */
template <>
KEPT void level<5>(unsigned path) {
  char *bytes = static_cast<char *>(alloca(16 + path % 512));
  bytes[0] = static_cast<char>(path);
  __asm__ volatile("" : : "r"(bytes) : "memory");
  descend<5>(path);
}

/** An aligned frame of a function with arguments on the stack: its CFA is read from the stack (DW_CFA_def_cfa_expression). */
KEPT void aligned(unsigned path, int, int, int, int, int, int, int, int last) {
  alignas(64) volatile char bytes[128];
  char *more = static_cast<char *>(alloca(16 + path % 64));
  bytes[0] = more[0] = static_cast<char>(last);
  __asm__ volatile("" : : "r"(more) : "memory");
  descend<10>(path);
  __asm__ volatile("" : : "r"(last));
}

template <>
KEPT void level<10>(unsigned path) {
  aligned(path, 1, 2, 3, 4, 5, 6, 7, 8);
  __asm__ volatile("");
}

template <>
KEPT void level<15>(unsigned path) {
  volatile char bytes[LARGE_FRAME];
  bytes[0] = bytes[LARGE_FRAME - 1] = static_cast<char>(path);
  descend<15>(path);
}

template <>
KEPT void level<20>(unsigned path) {
  try {
    descend<20>(path);
  } catch (int) {
    work(100);
  }
}

/** Aligned, but without arguments on the stack. */
template <>
KEPT void level<23>(unsigned path) {
  alignas(64) volatile char bytes[64];
  bytes[0] = static_cast<char>(path);
  descend<23>(path);
}

template <>
KEPT void level<25>(unsigned path) {
  library_through(level<26>, path);
  __asm__ volatile("");
}

KEPT void *run(void *) {
  uint32_t state = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&state) >> 12) | 1;
  while (time(nullptr) < deadline) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    level<1>(state >> 4);
  }
  return nullptr;
}

}  // namespace nofp

int main(int argc, char **argv) {
  using namespace nofp;
  deadline = time(nullptr) + (argc > 1 ? atoi(argv[1]) : 10);
  int others = (argc > 2 ? atoi(argv[2]) : 3) - 1;
  null_device = open("/dev/null", O_WRONLY);
  pthread_t threads[64];
  if (others < 0 || others > 64) return 2;
  for (int i = 0; i < others; i++) pthread_create(&threads[i], nullptr, run, nullptr);
  run(nullptr);
  for (int i = 0; i < others; i++) pthread_join(threads[i], nullptr);
  return 0;
}

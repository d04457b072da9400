// Burns CPU time at the end of 40 calls, on one of `stacks` (a power of two up to 2^20) equally likely call paths.
// The file, if one is given, holds the number of calls made so far as 64 bits: how fast it runs can be seen from outside.
//   deep SECONDS THREADS STACKS [FILE]
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace deep {

constexpr int kDepth = 40;
constexpr int kBranchingFrom = kDepth - 20;

time_t deadline;
uint32_t mask;
uint64_t unread;
uint64_t *calls = &unread;

__attribute__((noinline)) void work() {
  for (volatile int i = 0; i < 10000; i++) {
  }
}

// Two functions a level. From kBranchingFrom on, a bit of the path says which one is called; above it is always left.
template <int Level>
void left(uint32_t path);
template <int Level>
void right(uint32_t path);

template <int Level>
inline __attribute__((always_inline)) void descend(uint32_t path) {
  if constexpr (Level == kDepth) {
    work();
  } else if constexpr (Level < kBranchingFrom) {
    left<Level + 1>(path);
  } else {
    if (path & 1)
      right<Level + 1>(path >> 1);
    else
      left<Level + 1>(path >> 1);
  }
  __asm__ volatile("");  // no tail calls
}

template <int Level>
__attribute__((noinline)) void left(uint32_t path) {
  descend<Level>(path);
}

template <int Level>
__attribute__((noinline)) void right(uint32_t path) {
  descend<Level>(path);
}

void *run(void *) {
  uint32_t state = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&state) >> 12) | 1;
  while (time(nullptr) < deadline) {
    for (int i = 0; i < 1000; i++) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;
      left<1>(state & mask);
    }
    __atomic_fetch_add(calls, 1000, __ATOMIC_RELAXED);
  }
  return nullptr;
}

}  // namespace deep

int main(int argc, char **argv) {
  using namespace deep;
  deadline = time(nullptr) + (argc > 1 ? atoi(argv[1]) : 10);
  int threads = argc > 2 ? atoi(argv[2]) : 1;
  mask = static_cast<uint32_t>((argc > 3 ? atoi(argv[3]) : 2048) - 1);
  if (argc > 4) {
    int fd = open(argv[4], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(*calls))) return 1;
    void *memory = mmap(nullptr, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return 1;
    calls = static_cast<uint64_t *>(memory);
  }
  std::vector<pthread_t> others(threads - 1);
  for (auto &thread : others) pthread_create(&thread, nullptr, run, nullptr);
  run(nullptr);
  for (auto &thread : others) pthread_join(thread, nullptr);
  return 0;
}

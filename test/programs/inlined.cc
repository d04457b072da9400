// Burns CPU in a call that is inlined into another that is inlined into `work`.
#include <cstdlib>
#include <ctime>

#define INLINE __attribute__((always_inline)) inline

static volatile unsigned long sink;

INLINE void spin(unsigned long rounds) {
  for (unsigned long i = 0; i < rounds; i++) sink = sink + i; // the hottest line
}

template <int Factor>
INLINE void scaled(unsigned long rounds) {
  spin(Factor * rounds); // calls spin
}

__attribute__((noinline)) void work(unsigned long rounds) {
  scaled<3>(rounds); // calls scaled
  sink = sink + 1;
}

int main(int argc, char **argv) {
  const double seconds = argc > 1 ? atof(argv[1]) / 1000 : 1;
  const clock_t end = clock() + static_cast<clock_t>(seconds * CLOCKS_PER_SEC);
  while (clock() < end) work(100000);
}

// Calls that are always inlined, one into the other, with symbols where the tests look.
#define INLINE __attribute__((always_inline)) inline
#define MARK(name) asm volatile(#name ": nop")

volatile int sink;

template <int Times>
INLINE void innermost(int value) {
  for (int i = 0; i < Times; i++) sink = sink + value;
  MARK(mark_innermost);
}

namespace calls {

struct Caller {
  INLINE void middle(int value) {
    sink = value;
    innermost<3>(value + 1);
    MARK(mark_middle);
  }
};

__attribute__((noinline)) void outer(int value) {
  Caller caller;
  caller.middle(value);
  MARK(mark_outer);
}

} // namespace calls

extern "C" __attribute__((noinline)) int plain(int value) {
  auto lambda = [&](int more) {
    MARK(mark_lambda);
    return value + more;
  };
  return lambda(sink);
}

int main(int argc, char **argv) {
  calls::outer(argc);
  return plain(argc) == 0;
}

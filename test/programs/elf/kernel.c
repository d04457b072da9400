// A kernel in small: linked high, with calls that are inlined.

static inline __attribute__((always_inline)) int inner(int x) {
  return x * x; // line 4
}

static inline __attribute__((always_inline)) int middle(int x) {
  return inner(x + 1); // line 8
}

__attribute__((noinline)) int vfs_read(int x) {
  return middle(x); // line 12
}

int _start(int x) {
  return vfs_read(x) + 1; // line 16
}

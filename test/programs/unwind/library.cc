// The library of nofp.cc: called through the PLT, without frame pointers, and calls back.

extern "C" __attribute__((noinline)) void library_work(unsigned rounds) {
  for (volatile unsigned i = 0; i < rounds; i++) {
  }
}

extern "C" void library_through(void (*next)(unsigned), unsigned path) {
  volatile char frame[48];
  frame[0] = static_cast<char>(path);
  next(path);
  __asm__ volatile("");
}

// Pointers that the dynamic linker fills in.

static int numbers[2] = {1, 2};

static int first(void) { return numbers[0]; }
static int second(void) { return numbers[1]; }

void *table[] = {(void *)first, (void *)second, (char *)first + 1, 0, (void *)second};

int call(int i) { return ((int (*)(void))table[i])(); }

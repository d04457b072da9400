/* Functions of all bindings, an alias, an indirect function, and calls into the C library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static int local_function(int n) { return n * 3; }
__attribute__((noinline, weak)) int weak_function(int n) { return n + 7; }
__attribute__((noinline)) int global_function(int n) { return weak_function(n) + local_function(n); }
int global_alias(int n) __attribute__((alias("global_function")));

static int chosen(int n) { return n ^ 5; }
static int (*resolve(void))(int) { return chosen; }
int indirect_function(int n) __attribute__((ifunc("resolve")));

int shared_entry(int n) { return global_alias(n) + indirect_function(n); }

int main(int argc, char **argv) {
  char *copy = strdup(argv[0]);
  printf("%d %zu\n", shared_entry(argc), strlen(copy));
  qsort(copy, strlen(copy), 1, (int (*)(const void *, const void *))strcmp);
  free(copy);
  return 0;
}

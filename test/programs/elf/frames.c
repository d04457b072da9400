/* Functions whose frames differ: large ones, variable ones, aligned ones, several exits, none at all. */
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

NOINLINE int leaf(int n) { return n * 3; }

NOINLINE int recursive(int n) {
  if (n < 2) return n;
  return recursive(n - 1) + recursive(n - 2) + leaf(n);
}

NOINLINE int variable(int n) {
  char text[n];
  memset(text, n, n);
  return text[n / 2] + recursive(n % 5);
}

NOINLINE int large(int n) {
  int numbers[40000];
  memset(numbers, n, sizeof numbers);
  return numbers[n] + variable(n);
}

typedef struct {
  char bytes[64];
} __attribute__((aligned(64))) wide;

NOINLINE int aligned(int n) {
  wide values[3];
  char text[n];
  memset(values, n, sizeof values);
  memset(text, n, n);
  return values[1].bytes[n] + text[n - 1] + large(n);
}

NOINLINE int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) {
  int sum = recursive(a) + recursive(b) + recursive(c);
  printf("%d\n", sum);
  return sum + d + e + f + g + h + i + j + recursive(d);
}

NOINLINE int exits(int n, const char *text) {
  if (text == NULL) return n;
  printf("%s\n", text);
  if (n > 100) return recursive(n % 7) + recursive(n % 6);
  return aligned(n) + recursive(n % 5);
}

int main(int argc, char **argv) { return exits(argc + 7, argv[0]) + many(argc, 1, 2, 3, 4, 5, 6, 7, 8, 9); }

// Touches as many pages of 4 KiB as its argument says (default 10000), each for the first time.
#include <stdlib.h>
#include <sys/mman.h>

__attribute__((noinline)) void touch(char *memory, long pages)
{
	for (long page = 0; page < pages; page++)
		((volatile char *)memory)[page * 4096] = 1;
}

int main(int argc, char **argv)
{
	long pages = argc > 1 ? atol(argv[1]) : 10000;
	char *memory = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	madvise(memory, pages * 4096, MADV_NOHUGEPAGE);
	touch(memory, pages);
	return 0;
}

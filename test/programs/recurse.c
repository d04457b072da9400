// Burns CPU time (milliseconds, default 300) below as many calls as its second argument says (default 500).
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) void recurse(int depth, long milliseconds)
{
	struct timespec now = {0, 0};

	if (depth > 0)
		recurse(depth - 1, milliseconds);
	else
		while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < milliseconds) {
			for (volatile int i = 0; i < 1000000; i++)
				;
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		}
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	recurse(argc > 2 ? atoi(argv[2]) : 500, argc > 1 ? atoi(argv[1]) : 300);
	return 0;
}

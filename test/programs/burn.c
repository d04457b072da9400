// Burns CPU time in one function for as many milliseconds as its argument says (default 50), then ends.
#include <stdlib.h>
#include <time.h>

static long cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((noinline)) void burn_briefly(void)
{
	for (volatile int i = 0; i < 1000000; i++)
		;
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	long end = argc > 1 ? atoi(argv[1]) : 50;

	while (cpu_ms() < end)
		burn_briefly();
	return 0;
}

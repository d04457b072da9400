// Burns 10, 20, 30 and 40 % of its CPU time in four functions, until its time (seconds, default 60) is over.
#include <stdlib.h>
#include <time.h>

#define BURN(name)                                              \
	__attribute__((noinline)) void name(long rounds)        \
	{                                                       \
		for (volatile long i = 0; i < rounds * 1000; i++) \
			;                                       \
		__asm__ volatile("");                           \
	}

BURN(burn_10)
BURN(burn_20)
BURN(burn_30)
BURN(burn_40)

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 60);

	while (time(NULL) < end) {
		burn_10(1);
		burn_20(2);
		burn_30(3);
		burn_40(4);
	}
	return 0;
}

// Asks for the time again and again for as many seconds as its argument says (default 1).
#include <stdlib.h>
#include <sys/time.h>

int main(int argc, char **argv)
{
	struct timeval now, start;

	gettimeofday(&start, 0);
	do
		gettimeofday(&now, 0);
	while (now.tv_sec - start.tv_sec <= (argc > 1 ? atoi(argv[1]) : 1));
	return 0;
}

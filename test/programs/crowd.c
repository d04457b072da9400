// Forks as many children as its argument says (default 20). Each works for a moment, sleeps for 300 ms and ends; many of
// them are there at the same time.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_work(void)
{
	for (volatile int i = 0; i < 100000; i++)
		;
	usleep(300000);
	_exit(0);
}

int main(int argc, char **argv)
{
	for (int left = argc > 1 ? atoi(argv[1]) : 20; left > 0;) {
		pid_t pid = fork();

		if (pid == 0)
			child_work();
		if (pid > 0)
			left--;
		else
			usleep(1000); // no more processes are allowed at present
		while (waitpid(-1, 0, WNOHANG) > 0)
			;
	}
	while (wait(0) > 0)
		;
	return 0;
}

// Starts, one after the other, as many children as its argument says (default 20). Each burns 30 ms in
// child_work, half of it in a second thread.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((noinline)) void child_work(void)
{
	double end = cpu() + 0.015;

	while (cpu() < end)
		for (volatile int i = 0; i < 500000; i++)
			;
}

static void *run(void *unused)
{
	child_work();
	return unused;
}

int main(int argc, char **argv)
{
	int children = argc > 1 ? atoi(argv[1]) : 20;

	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t thread;

			pthread_create(&thread, 0, run, 0);
			child_work();
			pthread_join(thread, 0);
			_exit(0);
		}
		waitpid(pid, 0, 0);
	}
	return 0;
}

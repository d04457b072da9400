// Children that are forked, burn CPU time below a few calls without becoming another program, and end.
//   forkstorm SECONDS          one after the other from each of two parents, 1 to 5 ms each
//   forkstorm SECONDS ALIVE    ALIVE of them at once, all of which burn a millisecond and sleep in turns
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

static time_t deadline;

static long cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static KEPT void spin(void)
{
	for (volatile int i = 0; i < 20000; i++)
		;
}

static KEPT void child_3(long microseconds)
{
	long end = cpu_us() + microseconds;

	while (cpu_us() < end)
		spin();
}

static KEPT void child_2(long microseconds)
{
	volatile char frame[200];

	frame[0] = 1;
	child_3(microseconds);
	(void)frame[0];
}

static KEPT void child_1(long microseconds)
{
	child_2(microseconds);
	__asm__ volatile("");
}

static void storm(void)
{
	for (int i = 0; time(0) < deadline; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			child_1(1000 + i % 5 * 1000);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, 0, 0);
	}
}

static void many(int alive)
{
	/* All of them together take about half a CPU. */
	const struct timespec pause = {alive / 500, alive % 500 * 2000000};

	for (int i = 0; i < alive; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (time(0) < deadline) {
				child_1(1000);
				nanosleep(&pause, 0);
			}
			_exit(0);
		}
	}
	while (wait(0) > 0)
		;
}

int main(int argc, char **argv)
{
	deadline = time(0) + (argc > 1 ? atoi(argv[1]) : 10);
	if (argc > 2) {
		many(atoi(argv[2]));
		return 0;
	}
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		storm();
		_exit(0);
	}
	storm();
	while (wait(0) > 0)
		;
	return 0;
}

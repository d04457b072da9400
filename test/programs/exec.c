// Becomes another program: from its main thread, or with the argument "thread" from another one.
//   exec main|thread PROGRAM ARG…
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void *become(void *arguments)
{
	char **program = arguments;

	execv(program[0], program);
	_exit(127);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "thread") != 0)
		become(argv + 2);
	pthread_create(&thread, 0, become, argv + 2);
	pthread_join(thread, 0);
	return 1;
}

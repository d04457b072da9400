// Prints where stacks begin in libc, as libgcc's unwinder sees it: a line "FILE OFFSET" for each return address above main
// and above a thread's function. What is local in libc has no name when its debug symbols are not installed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>

/* `skip` frames are ours. */
static void print_outer_frames(int skip)
{
	void *addresses[32];
	int count = backtrace(addresses, 32);
	Dl_info info;

	for (int i = skip; i < count; i++)
		if (dladdr(addresses[i], &info))
			printf("%s %lx\n", info.dli_fname, (unsigned long)((char *)addresses[i] - (char *)info.dli_fbase));
}

static void *run(void *unused)
{
	print_outer_frames(2);
	__asm__ volatile("");
	return unused;
}

int main(void)
{
	pthread_t thread;

	print_outer_frames(2);
	pthread_create(&thread, 0, run, 0);
	pthread_join(thread, 0);
	return 0;
}

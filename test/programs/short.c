// Burns 50 ms of CPU time in one function and ends. Compiled with -static -nostartfiles, so that next to nothing happens
// before and after: what a process costs by itself is not to be mistaken for samples without a name.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) void burn_briefly(void)
{
	for (volatile int i = 0; i < 1000000; i++)
		;
	__asm__ volatile("");
}

#ifdef __x86_64__
__attribute__((force_align_arg_pointer)) /* the kernel jumps here without a return address */
#endif
void _start(void)
{
	struct timespec now = {0, 0};

	while (now.tv_sec == 0 && now.tv_nsec < 50000000) {
		burn_briefly();
		syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &now);
	}
	syscall(SYS_exit_group, 0);
	for (;;)
		;
}

// Burns CPU time below signal handlers that interrupt a chain of calls at any instruction: in the program, in the vdso, in
// libc, in system calls. The handler has a chain of its own and is interrupted in turn by a nested signal. Every second
// thread takes its signals on an alternate stack. Compiled with -fomit-frame-pointer.
//   signals SECONDS [THREADS]
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define KEPT __attribute__((noinline, noclone))
/* No tail calls. */
#define DONE __asm__ volatile("")

#define ALTERNATE_STACK 65536
/* The timer interrupts this often, and its handler burns less than that. */
#define INTERVAL_NS 5000000

static time_t deadline;

static KEPT void spin(int rounds)
{
	for (volatile int i = 0; i < rounds; i++)
		;
}

static KEPT void nested_2(void)
{
	spin(300000);
	DONE;
}

static KEPT void nested_1(void)
{
	volatile char frame[40];

	frame[0] = 1;
	nested_2();
	(void)frame[0];
}

static KEPT void nested(int signal)
{
	(void)signal;
	nested_1();
	DONE;
}

static KEPT void handler_3(int round)
{
	spin(300000);
	/* One is raised at a known place; the other interrupts by itself, as a timer's signal does. */
	if (round % 2 == 0)
		raise(SIGUSR1);
	DONE;
}

static KEPT void handler_2(int round)
{
	volatile char frame[200];

	frame[0] = 1;
	handler_3(round);
	(void)frame[0];
}

static KEPT void handler_1(int round)
{
	handler_2(round);
	DONE;
}

static KEPT void handler(int signal)
{
	static int rounds;

	(void)signal;
	handler_1(__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED));
	DONE;
}

static KEPT void ask_the_time(void)
{
	struct timespec now;

	for (int i = 0; i < 20000; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	__asm__ volatile("" : : "r"(&now) : "memory");
}

static KEPT void copy(void)
{
	static __thread char from[4096], to[4096];

	for (int i = 0; i < 5000; i++) {
		memcpy(to, from, sizeof(to));
		__asm__ volatile("" : : "r"(to) : "memory");
	}
}

static KEPT void call_the_kernel(void)
{
	for (int i = 0; i < 3000; i++)
		syscall(SYS_getppid);
}

static KEPT void chain_6(int round)
{
	switch (round % 4) {
	case 0:
		spin(1000000);
		break;
	case 1:
		ask_the_time();
		break;
	case 2:
		copy();
		break;
	default:
		call_the_kernel();
	}
	DONE;
}

static KEPT void chain_5(int round)
{
	chain_6(round);
	DONE;
}

static KEPT void chain_4(int round)
{
	volatile char frame[1000];

	frame[0] = 1;
	chain_5(round);
	(void)frame[0];
}

static KEPT void chain_3(int round)
{
	chain_4(round);
	DONE;
}

static KEPT void chain_2(int round)
{
	volatile char frame[24];

	frame[0] = 1;
	chain_3(round);
	(void)frame[0];
}

static KEPT void chain_1(int round)
{
	chain_2(round);
	DONE;
}

static void start_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
	struct itimerspec interval = {{0, INTERVAL_NS}, {0, INTERVAL_NS}};
	timer_t timer;

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &interval, 0))
		_exit(3);
}

static void use_alternate_stack(void)
{
	stack_t stack = {.ss_sp = malloc(ALTERNATE_STACK), .ss_size = ALTERNATE_STACK};

	if (sigaltstack(&stack, 0))
		_exit(3);
}

static KEPT void *worker(void *alternate)
{
	if (alternate)
		use_alternate_stack();
	start_timer();
	for (int round = 0; time(0) < deadline; round++)
		chain_1(round);
	return 0;
}

static void handle(int number, void (*function)(int))
{
	struct sigaction action = {.sa_handler = function, .sa_flags = SA_ONSTACK | SA_RESTART};

	if (sigaction(number, &action, 0))
		_exit(3);
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int others = (argc > 2 ? atoi(argv[2]) : 2) - 1;

	deadline = time(0) + (argc > 1 ? atoi(argv[1]) : 10);
	if (others < 0 || others > 64)
		return 2;
	handle(SIGRTMIN, handler);
	handle(SIGUSR1, nested);
	for (int i = 0; i < others; i++)
		pthread_create(&threads[i], 0, worker, i % 2 == 0 ? threads : 0);
	worker(0);
	for (int i = 0; i < others; i++)
		pthread_join(threads[i], 0);
	return 0;
}

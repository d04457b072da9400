// Threads that burn CPU time on stacks that no walk can come to the end of, by hand-written code: each breaks one thing.
// Those with "cfi" in their name have unwind tables, some of which lie; the others have none, so that frame pointers are
// all there is. One thread burns on a sound stack. For x86-64 only.
//   corrupt SECONDS [N]    the N-th kind of damage only, 0 for none
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BURN "	mov	$200000000, %ecx\n1:	dec	%ecx\n	jnz	1b\n"
#define FUNCTION(name, body) \
	__asm__("	.text\n	.globl	" name "\n	.type	" name ", @function\n" name ":\n" body "	.size	" name ", .-" name "\n")

/* Without tables: each leaves a frame pointer, which is all that a walk has, as its argument says. */
FUNCTION("burn_with_rbp",
	"	push	%rbp\n"
	"	mov	%rdi, %rbp\n" BURN
	"	pop	%rbp\n"
	"	ret\n");

/* The stack pointer itself is wrong; it is kept in a register that nothing else uses. No signal may come. */
FUNCTION("burn_with_rsp",
	"	mov	%rsp, %r11\n"
	"	mov	%rdi, %rsp\n"
	"	mov	%rbp, %r10\n"
	"	xor	%ebp, %ebp\n" BURN
	"	mov	%r10, %rbp\n"
	"	mov	%r11, %rsp\n"
	"	ret\n");

/* Tables that are right, on a stack pointer that is not. */
FUNCTION("cfi_burn_with_rsp",
	"	.cfi_startproc\n"
	"	mov	%rsp, %r11\n"
	"	mov	%rdi, %rsp\n" BURN
	"	mov	%r11, %rsp\n"
	"	ret\n"
	"	.cfi_endproc\n");

/* The return address is overwritten while it burns. */
FUNCTION("cfi_burn_with_return",
	"	.cfi_startproc\n"
	"	mov	(%rsp), %r11\n"
	"	mov	%rdi, (%rsp)\n" BURN
	"	mov	%r11, (%rsp)\n"
	"	ret\n"
	"	.cfi_endproc\n");

/* The CFA is below the stack pointer: every step would go down. */
FUNCTION("cfi_burn_shrinking",
	"	.cfi_startproc\n"
	"	.cfi_def_cfa_offset	-4096\n" BURN
	"	ret\n"
	"	.cfi_endproc\n");

/* The CFA is the stack pointer, and the return address is found in this very function again: it goes round for ever. */
FUNCTION("cfi_burn_looping",
	"	.cfi_startproc\n"
	"	lea	1f(%rip), %r10\n"
	"	push	%r10\n"
	"	.cfi_def_cfa_offset	0\n"
	"	.cfi_offset	%rip, 0\n" BURN
	"	add	$8, %rsp\n"
	"	ret\n"
	"	.cfi_endproc\n");

/* The CFA is far away from anything that is mapped. */
FUNCTION("cfi_burn_far",
	"	.cfi_startproc\n"
	"	.cfi_def_cfa_offset	0x7ffffff0\n" BURN
	"	ret\n"
	"	.cfi_endproc\n");

/* The CFA is read through a register that holds garbage. */
FUNCTION("cfi_burn_expression",
	"	.cfi_startproc\n"
	"	push	%rbp\n"
	"	mov	%rdi, %rbp\n"
	"	.cfi_escape	0x0f, 0x03, 0x76, 0x78, 0x06\n" /* DW_CFA_def_cfa_expression: breg6 -8, deref */ BURN
	"	pop	%rbp\n"
	"	ret\n"
	"	.cfi_endproc\n");

typedef void burn(unsigned long);
burn burn_with_rbp, burn_with_rsp, cfi_burn_with_rsp, cfi_burn_with_return, cfi_burn_shrinking, cfi_burn_looping;
burn cfi_burn_far, cfi_burn_expression;

struct damage {
	burn *burn;
	unsigned long argument;
};

static time_t deadline;

static void *run(void *argument)
{
	const struct damage *damage = argument;

	while (time(0) < deadline) {
		damage->burn(damage->argument);
		__asm__ volatile("" : : : "memory");
	}
	return 0;
}

__attribute__((noinline)) static void burn_soundly(unsigned long unused)
{
	(void)unused;
	for (volatile int i = 0; i < 100000000; i++)
		;
	__asm__ volatile("");
}

/* Two frames whose frame pointers point at each other, with return addresses into real code. */
static unsigned long *looping_frames(void)
{
	unsigned long *frames = aligned_alloc(16, 4096);

	frames[0] = (unsigned long)&frames[16];
	frames[1] = (unsigned long)run + 8;
	frames[16] = (unsigned long)&frames[0];
	frames[17] = (unsigned long)run + 8;
	return frames;
}

/* A thousand sound frames. */
static unsigned long *long_chain(void)
{
	unsigned long *frames = aligned_alloc(16, 16000);

	for (int i = 0; i < 1000; i++) {
		frames[2 * i] = i < 999 ? (unsigned long)&frames[2 * i + 2] : 0;
		frames[2 * i + 1] = (unsigned long)run + 8;
	}
	return frames;
}

int main(int argc, char **argv)
{
	unsigned long *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long loop = (unsigned long)looping_frames();
	unsigned long end = (unsigned long)page + 4096 - 8;
	const struct damage damages[] = {
		{burn_soundly, 0},
		{burn_with_rbp, 0},
		{burn_with_rbp, 1},
		{burn_with_rbp, loop},
		{burn_with_rbp, (unsigned long)long_chain()},
		{burn_with_rbp, loop + 3},
		{burn_with_rbp, 0xdead000000000000},
		{burn_with_rbp, 0xffffffff81000000},
		{burn_with_rbp, 0xfffffffffffffff8},
		{burn_with_rbp, end},
		{burn_with_rsp, 0},
		{burn_with_rsp, 0x10000},
		{burn_with_rsp, loop},
		{cfi_burn_with_rsp, 0x10000},
		{cfi_burn_with_rsp, loop + 1},
		{cfi_burn_with_rsp, 0xdead000000000000},
		{cfi_burn_with_rsp, 0xfffffffffffffff8},
		{cfi_burn_with_rsp, end},
		{cfi_burn_with_return, 0},
		{cfi_burn_with_return, 1},
		{cfi_burn_with_return, 0xdead000000000000},
		{cfi_burn_with_return, 0xffffffff81000000},
		{cfi_burn_with_return, loop},
		{cfi_burn_shrinking, 0},
		{cfi_burn_looping, 0},
		{cfi_burn_far, 0},
		{cfi_burn_expression, 0},
		{cfi_burn_expression, loop},
		{cfi_burn_expression, 0xdead000000000000},
	};
	enum { COUNT = sizeof(damages) / sizeof(damages[0]) };
	pthread_t threads[COUNT];

	deadline = time(0) + (argc > 1 ? atoi(argv[1]) : 10);
	/* A frame at the end of what is mapped. */
	munmap((char *)page + 4096, 4096);
	for (int i = 0; i < COUNT; i++)
		if (argc < 3 || atoi(argv[2]) == i)
			pthread_create(&threads[i], 0, run, (void *)&damages[i]);
	/* Whoever is in a loop is not waited for. */
	sleep(deadline > time(0) ? deadline - time(0) : 0);
	_exit(0);
}

// A library that burns CPU time below three calls: burn, NAME_1, NAME_2, NAME_3. FRAME is the size of a frame and with it
// the unwind table that is right only for this library; ROUNDS says how long it takes (3 ms).
#ifndef NAME
#define NAME plugin
#endif
#ifndef FRAME
#define FRAME 64
#endif
#ifndef ROUNDS
#define ROUNDS 2000000
#endif
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define KEPT __attribute__((noinline, noclone))

static KEPT void JOIN(NAME, _3)(void)
{
	for (volatile int i = 0; i < ROUNDS; i++)
		;
}

static KEPT void JOIN(NAME, _2)(void)
{
	volatile char frame[FRAME];

	frame[0] = 1;
	JOIN(NAME, _3)();
	(void)frame[0];
}

static KEPT void JOIN(NAME, _1)(void)
{
	volatile char frame[FRAME * 2];

	frame[0] = 1;
	JOIN(NAME, _2)();
	(void)frame[0];
}

void burn(void)
{
	JOIN(NAME, _1)();
	__asm__ volatile("");
}

// A library with one function that takes a while, under the name NAME; `work` finds it.
__attribute__((noinline)) void NAME(void)
{
	for (volatile long i = 0; i < 25000000; i++)
		;
}

void work(void)
{
	NAME();
	__asm__ volatile("");
}

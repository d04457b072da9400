// Loads its libraries in turns, burns CPU time in each below a few calls, and unloads it: whoever keeps tables of what is
// mapped has to follow. All take the same addresses.
//   dlloop SECONDS LIBRARY…
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEPT __attribute__((noinline, noclone))

static KEPT int load_and_burn(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	void (*burn)(void);

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	burn = (void (*)(void))dlsym(library, "burn");
	burn();
	dlclose(library);
	return 0;
}

int main(int argc, char **argv)
{
	time_t deadline = time(0) + (argc > 1 ? atoi(argv[1]) : 10);

	while (time(0) < deadline)
		for (int i = 2; i < argc; i++)
			if (load_and_burn(argv[i]))
				return 1;
	return 0;
}

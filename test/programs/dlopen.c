// Loads, runs and unloads the libraries of its arguments in turns: each takes the addresses of the one before.
#include <dlfcn.h>

int main(int argc, char **argv)
{
	for (int round = 0; round < 20; round++) {
		for (int i = 1; i < argc; i++) {
			void *library = dlopen(argv[i], RTLD_NOW);

			if (!library)
				return 1;
			((void (*)(void))dlsym(library, "work"))();
			dlclose(library);
		}
	}
	return 0;
}

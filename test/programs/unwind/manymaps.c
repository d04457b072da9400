// Maps a small library's file over a thousand times, each copy executable and at its own address, and burns CPU time in
// all of them in turns, or in the first and the last: a process with more mappings than a short list holds.
//   manymaps SECONDS COUNT LIBRARY
// LIBRARY has to be position independent and to call nothing outside of itself: plugin.c is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static const char *file;
static unsigned long entry;

/* The offset of burn from the library's lowest address, asked of the dynamic linker. */
static void find_entry(void)
{
	void *library = dlopen(file, RTLD_NOW);
	Dl_info info;
	void *burn = library ? dlsym(library, "burn") : 0;

	if (!burn || !dladdr(burn, &info)) {
		fprintf(stderr, "%s has no burn\n", file);
		exit(1);
	}
	entry = (char *)burn - (char *)info.dli_fbase;
	dlclose(library);
}

/* Maps the loadable segments as the dynamic linker would, without relocating anything. Returns the address of burn. */
static void (*map_copy(int fd, const Elf64_Ehdr *elf))(void)
{
	const Elf64_Phdr *segments = (const Elf64_Phdr *)((const char *)elf + elf->e_phoff);
	char *base = mmap(0, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < elf->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		unsigned long start = segment->p_vaddr & -PAGE;
		int protection = (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_X ? PROT_EXEC : 0);

		/* Data is not needed, and tables lie in what is only read. */
		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		if (mmap(base + start, segment->p_vaddr + segment->p_filesz - start, protection, MAP_PRIVATE | MAP_FIXED, fd,
			 segment->p_offset & -PAGE) == MAP_FAILED) {
			perror("mmap");
			exit(1);
		}
	}
	return (void (*)(void))(base + entry);
}

__attribute__((noinline, noclone)) static void call(void (*burn)(void))
{
	burn();
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	time_t deadline = time(0) + (argc > 1 ? atoi(argv[1]) : 10);
	int count = argc > 2 ? atoi(argv[2]) : 1000;
	void (**copies)(void) = calloc(count, sizeof(*copies));
	const Elf64_Ehdr *elf;
	int fd;

	if (argc < 4 || count < 2)
		return 2;
	file = argv[3];
	find_entry();
	fd = open(file, O_RDONLY);
	elf = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf == MAP_FAILED)
		return 1;
	for (int i = 0; i < count; i++)
		copies[i] = map_copy(fd, elf);
	while (time(0) < deadline)
		for (int i = 0; i < count && time(0) < deadline; i++)
			call(copies[i % 2 == 0 ? i : count - 1]);
	return 0;
}

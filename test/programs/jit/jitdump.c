/*
 * Generates a function, spin(), writes a jitdump with its lines (Linux, tools/perf/Documentation/
 * jitdump-specification.txt), and runs it.
 *   jitdump FILE SECONDS
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* push rbp; mov rbp, rsp; again: sub rdi, 1; jnz again; pop rbp; ret */
static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xef, 0x01, 0x75, 0xfa, 0x5d, 0xc3};

static void put(int file, const void *bytes, size_t size)
{
	if (write(file, bytes, size) != (ssize_t)size) exit(2);
}

static void put_record(int file, uint32_t id, const void *body, size_t size)
{
	uint32_t prefix[4] = {id, 16 + size, 0, 0};
	put(file, prefix, sizeof prefix);
	put(file, body, size);
}

struct line {
	uint64_t address;
	uint32_t line, column;
	char file[sizeof "/src/spin.lang"];
} __attribute__((packed));

int main(int argc, char **argv)
{
	if (argc < 3) return 2;
	uint8_t *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(at, code, sizeof code);
	mprotect(at, 4096, PROT_READ | PROT_EXEC);

	int file = open(argv[1], O_CREAT | O_TRUNC | O_RDWR, 0644);
	uint32_t header[10] = {0x4a695444, 1, 40, 62, 0, getpid()};
	put(file, header, sizeof header);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED) return 2;

	uint64_t start = (uintptr_t)at;
	struct {
		uint64_t start, count;
		struct line lines[3];
	} __attribute__((packed)) lines = {start, 3, {
		{start, 10, 0, "/src/spin.lang"}, {start + 4, 11, 0, "/src/spin.lang"}, {start + 10, 12, 0, "/src/spin.lang"}}};
	put_record(file, 2, &lines, sizeof lines);
	struct {
		uint32_t pid, tid;
		uint64_t vma, address, size, index;
		char name[5];
		uint8_t code[sizeof code];
	} __attribute__((packed)) load = {getpid(), getpid(), start, start, sizeof code, 0, "spin", {0}};
	memcpy(load.code, code, sizeof code);
	put_record(file, 0, &load, sizeof load);

	void (*spin)(uint64_t) = (void (*)(uint64_t))(uintptr_t)at;
	for (time_t end = time(NULL) + atoi(argv[2]); time(NULL) <= end;) spin(10 * 1000 * 1000);
	return 0;
}

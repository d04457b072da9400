// Burns CPU time in C that Go calls, and in Go that this C calls back: each switches stacks.
//
//	cgo SECONDS
package main

/*
#cgo CFLAGS: -O2 -fomit-frame-pointer
extern void goCallback(int);

__attribute__((noinline)) static void c_work(void)
{
	for (volatile int i = 0; i < 20000; i++)
		;
}

__attribute__((noinline)) static void c_descend(int depth, int callback)
{
	volatile char frame[32];

	frame[0] = 1;
	if (depth > 0)
		c_descend(depth - 1, callback);
	else if (callback)
		goCallback(depth);
	else
		c_work();
	(void)frame[0];
}

static void c_start(int depth, int callback)
{
	c_descend(depth, callback);
	__asm__ volatile("");
}
*/
import "C"

import (
	"os"
	"strconv"
	"time"
)

var sink int

//go:noinline
func work() {
	for i := 0; i < 20000; i++ {
		sink += i ^ sink
	}
}

//export goCallback
func goCallback(depth C.int) { work() }

//go:noinline
func descend(depth int, callback C.int) int {
	if depth == 0 {
		C.c_start(10, callback)
		return 0
	}
	return descend(depth-1, callback) + 1
}

func main() {
	seconds := 10
	if len(os.Args) > 1 {
		seconds, _ = strconv.Atoi(os.Args[1])
	}
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	done := make(chan int)
	for i := 0; i < 2; i++ {
		go func() {
			total := 0
			for round := 0; time.Now().Before(deadline); round++ {
				total += descend(10, C.int(round%2))
			}
			done <- total
		}()
	}
	<-done
	<-done
}

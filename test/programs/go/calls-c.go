// Go that calls C: the linker of C makes the program, and functions that are not Go's lie around those that are.
package main

/*
static int twice(int x) { return 2 * x; }
*/
import "C"

import (
	"fmt"
	"strings"
)

func upper(s string) string { return strings.ToUpper(s) }

func main() {
	fmt.Println(C.twice(4), upper("x"))
}

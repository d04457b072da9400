// Inlined calls and calls through interfaces, for Go of any age.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

type shape interface {
	area() int
}
type square struct{ side int }
type named struct {
	square
	name string
}

func double(x int) int     { return x + x }
func times4(x int) int     { return double(double(x)) }
func (s square) area() int { return times4(s.side) / 4 * s.side }

type byName []named

func (b byName) Len() int           { return len(b) }
func (b byName) Less(i, j int) bool { return b[i].name < b[j].name }
func (b byName) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func main() {
	all := byName{{square{3}, "c"}, {square{2}, "a"}}
	sort.Sort(all)
	var s shape
	sum := 0
	for i := range all {
		s = &all[i]
		sum += s.area()
	}
	fmt.Println(sum, strings.Repeat("x", times4(len(os.Args))))
}

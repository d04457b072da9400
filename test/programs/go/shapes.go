// Inlined calls, calls through interfaces, generics and a deferred call; go1.18 or later.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

type shape interface{ area() int }
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

type list[T any] struct {
	value T
	next  *list[T]
}

func (l *list[T]) push(v T) *list[T] { return &list[T]{v, l} }

//go:noinline
func (l *list[T]) each(f func(T)) {
	for ; l != nil; l = l.next {
		f(l.value)
	}
}

//go:noinline
func mapped[T, U any](l *list[T], f func(T) U) (out *list[U]) {
	l.each(func(v T) { out = out.push(f(v)) })
	return
}

//go:noinline
func total(shapes []shape) (sum int) {
	for _, s := range shapes {
		sum += s.area()
	}
	return
}

func main() {
	all := byName{{square{3}, "c"}, {square{2}, "a"}}
	sort.Sort(all)
	var shapes []shape
	for i := range all {
		shapes = append(shapes, &all[i])
	}
	defer func() { recover() }()
	var numbers *list[int]
	numbers = numbers.push(total(shapes)).push(times4(len(os.Args)))
	mapped(numbers, func(i int) string { return strings.Repeat("x", i) }).each(func(s string) { fmt.Println(s) })
}

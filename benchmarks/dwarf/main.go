// Generics, closures, maps and the standard library: what the Go compiler inlines.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"
)

type number interface{ ~int | ~float64 }

func sum[T number](values []T) (total T) {
	for _, value := range values {
		total += value
	}
	return total
}

type node struct {
	Name     string
	Children []*node
}

func (n *node) visit(each func(*node)) {
	each(n)
	for _, child := range n.Children {
		child.visit(each)
	}
}

func main() {
	root := &node{Name: os.Args[0]}
	for i := 0; i < 10; i++ {
		root.Children = append(root.Children, &node{Name: fmt.Sprint("child-", i)})
	}
	var lengths []int
	root.visit(func(n *node) { lengths = append(lengths, len(n.Name)) })
	sort.Slice(lengths, func(i, j int) bool { return lengths[i] > lengths[j] })
	var group sync.WaitGroup
	for range lengths {
		group.Add(1)
		go func() { defer group.Done(); strings.Fields("a b c") }()
	}
	group.Wait()
	text, err := json.Marshal(root)
	word := regexp.MustCompile(`[a-z]+-(\d)`)
	fmt.Println(sum(lengths), sum([]float64{1, 2}), word.ReplaceAllString(string(text), "$1"), err)
}

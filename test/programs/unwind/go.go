// Burns CPU time in what Go programs do: goroutines, deep recursion on stacks that grow, maps, sorting, formatting,
// channels, and much garbage.
//
//	go SECONDS
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type node struct {
	left, right *node
	value       int
}

var words = regexp.MustCompile(`(\w+)-(\d+)`)

func tree(depth int) *node {
	if depth == 0 {
		return &node{value: 1}
	}
	return &node{tree(depth - 1), tree(depth - 1), depth}
}

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.left.sum() + n.right.sum() + n.value
}

//go:noinline
func descend(depth int, leaf func() int) int {
	var frame [128]int
	frame[depth%128] = depth
	if depth == 0 {
		return leaf()
	}
	return descend(depth-1, leaf) + frame[depth%128]
}

func sorting() int {
	values := make([]string, 500)
	for i := range values {
		values[i] = strconv.Itoa(i * 7919 % 1000)
	}
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
	return len(values[0])
}

func counting() int {
	counts := map[string]int{}
	for i := 0; i < 500; i++ {
		counts[fmt.Sprintf("key %d", i%100)]++
	}
	return len(counts)
}

func parsing() int {
	text, _ := json.Marshal(map[string]any{"numbers": []int{1, 2, 3}, "text": strings.Repeat("abc-12 ", 20)})
	var back map[string]any
	_ = json.Unmarshal(text, &back)
	return len(words.FindAllString(back["text"].(string), -1))
}

// growing needs a stack that has to be copied a few times.
func growing() int {
	result := make(chan int)
	go func() { result <- descend(80, func() int { return 1 }) }()
	return <-result
}

func collecting() int { return tree(12).sum() }

func panicking() (result int) {
	defer func() { result = len(fmt.Sprint(recover())) }()
	panic("caught")
}

func run(deadline time.Time, results chan<- int) {
	leaves := []func() int{sorting, counting, parsing, growing, collecting, panicking}
	total := 0
	for i := 0; time.Now().Before(deadline); i++ {
		total += descend(20+i%20, leaves[i%len(leaves)])
	}
	results <- total
}

func main() {
	seconds := 10
	if len(os.Args) > 1 {
		seconds, _ = strconv.Atoi(os.Args[1])
	}
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	results := make(chan int, 8)
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			run(deadline, results)
		}()
	}
	group.Wait()
	fmt.Println(<-results)
}

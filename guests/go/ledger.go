// Keeps a ledger. Every language here has the same program with the same output. It uses arguments, a variable,
// its input, files, clocks, maps, sorting, floats and the exit code.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

type account struct {
	name           string
	count          int
	total, squares float64
}

type ledger map[string]*account

func (l ledger) enter(line string) bool {
	name, text, found := strings.Cut(line, " ")
	amount, err := strconv.ParseFloat(text, 64)
	if !found || err != nil {
		return false
	}
	to := l[name]
	if to == nil {
		to = &account{name: name}
		l[name] = to
	}
	to.count++
	to.total += amount
	to.squares += float64(amount * amount)
	return true
}

func (l ledger) read() int {
	hash := uint64(14695981039346656037)
	bad, number := 0, 0
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		number++
		for _, c := range lines.Bytes() {
			hash = (hash ^ uint64(c)) * 1099511628211
		}
		if !l.enter(lines.Text()) {
			fmt.Printf("line %d: cannot read `%s`\n", number, lines.Text())
			bad++
		}
	}
	fmt.Printf("hash: %016x\n", hash)
	return bad
}

func (l ledger) table() string {
	sorted := make([]*account, 0, len(l))
	for _, a := range l {
		sorted = append(sorted, a)
	}
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return a.total > b.total || a.total == b.total && a.name < b.name
	})
	var text strings.Builder
	for _, a := range sorted {
		mean := a.total / float64(a.count)
		deviation := math.Sqrt(a.squares/float64(a.count) - float64(mean*mean))
		fmt.Fprintf(&text, "%-8s %3d %10.2f %10.4f %9.3f\n", a.name, a.count, a.total, mean, deviation)
	}
	return text.String()
}

func sortNumbers() {
	numbers := make([]uint64, 100000)
	state := uint64(42)
	for i := range numbers {
		state = state*6364136223846793005 + 1442695040888963407
		numbers[i] = state >> 11
	}
	slices.Sort(numbers)
	fmt.Println("sorted:", numbers[0], numbers[len(numbers)/2], numbers[len(numbers)-1])
}

func listFolder() {
	entries, err := os.ReadDir(".")
	if err != nil {
		fmt.Println(err)
	}
	names := []string{"folder:"}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	fmt.Println(strings.Join(names, " "))
}

func files(path, text string, accounts int) error {
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	fmt.Fprintf(file, "%d accounts\n", accounts)
	file.Close()
	file, err = os.Open(path)
	if err != nil {
		return err
	}
	content, _ := io.ReadAll(file)
	last := make([]byte, 8)
	file.Seek(-9, io.SeekEnd)
	io.ReadFull(file, last)
	file.Close()
	fmt.Printf("file: %d bytes, %d lines, at the end `%s`\n", len(content), bytes.Count(content, []byte("\n")), last)
	os.Rename(path, path+".old")
	listFolder()
	os.Remove(path + ".old")
	listFolder()
	_, err = os.Stat(path)
	fmt.Println("missing:", map[bool]string{true: "yes", false: "no"}[errors.Is(err, fs.ErrNotExist)])
	return nil
}

func clocks() {
	forward := "forward"
	before := time.Now()
	for range 1000 {
		now := time.Now()
		if now.Sub(before) < 0 {
			forward = "backward"
		}
		before = now
	}
	wall := "wrong"
	if before.After(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) {
		wall = "after 2020"
	}
	fmt.Printf("clocks: %s, %s\n", wall, forward)
}

func main() {
	args := os.Args[1:]
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: ledger TITLE FILE")
		os.Exit(64)
	}
	currency, found := os.LookupEnv("CURRENCY")
	if !found {
		currency = "no currency"
	}
	fmt.Printf("%s, in %s, %d arguments\n", args[0], currency, len(args))
	l := ledger{}
	bad := l.read()
	text := l.table()
	fmt.Print(text)
	sortNumbers()
	clocks()
	if err := files(args[1], text, len(l)); err != nil {
		fmt.Fprintln(os.Stderr, "ledger: cannot write", args[1])
		os.Exit(74)
	}
	os.Exit(bad)
}

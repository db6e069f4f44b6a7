// Go's runtime and library: goroutines, channels, select, timers, panics, the collector, maps, generics, reflection, text
// formats, files. It ends with status 3.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"math/big"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"text/template"
	"time"
	"unicode/utf8"
)

func routines() {
	jobs, results := make(chan int), make(chan int, 10)
	var workers sync.WaitGroup
	var done atomic.Int64
	for range 4 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for job := range jobs {
				results <- job * job
				done.Add(1)
			}
		}()
	}
	go func() {
		for i := range 100 {
			jobs <- i
		}
		close(jobs)
		workers.Wait()
		close(results)
	}()
	sum := 0
	for result := range results {
		sum += result
	}
	fmt.Println("routines:", sum, done.Load())

	var lock sync.Mutex
	var once sync.Once
	count, firsts := 0, 0
	var group sync.WaitGroup
	for range 200 {
		group.Add(1)
		go func() {
			defer group.Done()
			once.Do(func() { firsts++ })
			lock.Lock()
			defer lock.Unlock()
			before := count
			runtime.Gosched()
			count = before + 1
		}()
	}
	group.Wait()
	fmt.Println("locked:", count, firsts)
}

func timers() {
	timeout, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	ticks := 0
	for {
		select {
		case <-ticker.C:
			ticks++
			continue
		case <-timeout.Done():
		}
		break
	}
	fmt.Println("timers:", ticks > 0, timeout.Err())
	select {
	case <-make(chan int):
	default:
		fmt.Println("nothing ready")
	}
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println(time.Since(start) >= 20*time.Millisecond, time.Unix(1709209861, 0).UTC().Format(time.RFC1123))
}

type missing struct{ name string }

func (m *missing) Error() string { return "no " + m.name }

func risky(n int) (result int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("recovered: %v", cause)
		}
	}()
	values := []int{1, 2, 3}
	if n == 4 {
		var nothing map[string]int
		nothing["x"] = 1
	}
	if n == 5 {
		var nobody *missing
		_ = nobody.name
	}
	return values[n] / (n - 1), nil
}

func failures() {
	for n := range 6 {
		fmt.Println(risky(n))
	}
	err := fmt.Errorf("opening: %w", &missing{"bird"})
	var cause *missing
	fmt.Println(err, errors.As(err, &cause), cause.name, errors.Is(err, io.EOF))
	_, err = strconv.Atoi("12x")
	fmt.Println(err)
}

type number interface{ ~int | ~float64 }

func reduce[T number](values []T, initial T, combine func(T, T) T) T {
	for _, value := range values {
		initial = combine(initial, value)
	}
	return initial
}

type queue []int

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func data() {
	counts := map[string]int{}
	for _, word := range strings.Fields("the cat and the dog and the bird") {
		counts[word]++
	}
	fmt.Println(counts, slices.Sorted(maps.Keys(counts)), len(counts))
	fmt.Println(reduce([]float64{1.5, 2.5}, 0, func(a, b float64) float64 { return a + b }), min(3, 1, 2))
	q := &queue{5, 2, 8}
	heap.Init(q)
	heap.Push(q, 1)
	fmt.Println(heap.Pop(q), heap.Pop(q), *q)
	birds := []struct {
		Name   string
		Weight float64
	}{{"robin", 18}, {"goldcrest", 5.5}, {"wren", 9}}
	sort.SliceStable(birds, func(i, j int) bool { return birds[i].Weight < birds[j].Weight })
	fmt.Printf("%v %+v %T %q\n", birds[0], birds[1], birds, birds[2].Name)
	fmt.Println(slices.MaxFunc(birds, func(a, b struct {
		Name   string
		Weight float64
	}) int {
		return cmp.Compare(a.Name, b.Name)
	}))
	power := new(big.Int).Exp(big.NewInt(3), big.NewInt(200), nil)
	fmt.Println(power, new(big.Rat).SetFrac64(6, 8), power.BitLen())
	source := rand.New(rand.NewSource(1))
	fmt.Println(source.Intn(1000), source.Intn(1000), source.Perm(5))
	fmt.Println(math.Sqrt(2), math.Inf(-1), math.NaN(), math.MaxInt64, 0.1+0.2, float32(0.1), 7/2, -7%3, 1<<40, ^5)
	fmt.Printf("%8.3f|%-8s|%08b|%x|%+d|%e|%6.2f%%|%U|%t\n", math.Pi, "left", 77, "hi", 5, 12345.678, 99.5, '☃', true)
}

func text() {
	type bird struct {
		Name   string           `json:"name"`
		Weight float64          `json:"weight,omitempty"`
		Tags   []string         `json:"tags"`
		More   map[string]any   `json:"more,omitempty"`
		Inner  *struct{ X int } `json:"inner,omitempty"`
	}
	encoded, _ := json.Marshal(bird{Name: "wren ☃ <b>", Tags: []string{"small"}})
	var decoded bird
	err := json.Unmarshal([]byte(`{"name":"x","more":{"a":[1,2.5,null]},"inner":{"X":3}}`), &decoded)
	fmt.Println(string(encoded), decoded.More, decoded.Inner.X, err)
	fmt.Println(json.Unmarshal([]byte(`{"name": 5}`), &decoded) != nil)
	pattern := regexp.MustCompile(`(\w+)@(\w+)\.com`)
	fmt.Println(pattern.FindAllStringSubmatch("ann@a.com, bob@b.com", -1), pattern.ReplaceAllString("ann@a.com", "$2:$1"))
	template.Must(template.New("t").Parse("{{range $i, $n := .}}{{if $i}}, {{end}}{{printf \"%02d\" $n}}{{end}}\n")).Execute(os.Stdout, []int{1, 2, 3})
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "name\tweight\t\nwren\t9\t")
	table.Flush()
	fmt.Println(utf8.RuneCountInString("naïve ☃"), []rune("☃")[0], []byte("é"), strings.ToUpper("straße"), strings.Title("go"))
	fmt.Printf("%x %08x %s\n", sha256.Sum256([]byte("kinglet")), crc32.ChecksumIEEE([]byte("kinglet")), base64.StdEncoding.EncodeToString([]byte("kinglet")))
	var packed bytes.Buffer
	binary.Write(&packed, binary.BigEndian, struct {
		A uint16
		B float32
	}{258, 1.5})
	fmt.Println(packed.Bytes(), binary.LittleEndian.Uint32([]byte{1, 2, 3, 4}))
	var squeezed bytes.Buffer
	writer := gzip.NewWriter(&squeezed)
	io.WriteString(writer, strings.Repeat("squeezed ", 1000))
	writer.Close()
	small := squeezed.Len() < 200
	reader, _ := gzip.NewReader(&squeezed)
	all, err := io.ReadAll(reader)
	fmt.Println(small, len(all), err)
}

func files() {
	os.MkdirAll("work/deep/er", 0o755)
	file, err := os.Create("work/a.txt")
	fmt.Println(err)
	out := bufio.NewWriter(file)
	for i := range 1000 {
		fmt.Fprintln(out, "line", i)
	}
	out.Flush()
	position, _ := file.Seek(-4, io.SeekEnd)
	file.Truncate(position)
	file.Close()
	info, _ := os.Stat("work/a.txt")
	fmt.Println(info.Size(), info.Mode().IsRegular(), info.ModTime().Year() > 2020)
	os.WriteFile("work/deep/er/b", []byte("b"), 0o644)
	filepath.WalkDir("work", func(path string, entry os.DirEntry, err error) error {
		fmt.Print(path, " ", entry.IsDir(), " ", err, "; ")
		return nil
	})
	_, err = os.ReadFile("work/none")
	fmt.Println(errors.Is(err, os.ErrNotExist), os.Remove("work") != nil)
	fmt.Println(os.RemoveAll("work"))
	_, err = os.Stat("work")
	fmt.Println(err)
}

type node struct {
	left, right *node
	weight      [4]int
}

func grow(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: grow(depth - 1), right: grow(depth - 1)}
}

func (n *node) count() int {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func collector() {
	kept := grow(12)
	for range 20 {
		grow(10)
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println(kept.count(), stats.NumGC > 0, stats.HeapAlloc < 64<<20)
	var deep func(n int) int
	deep = func(n int) int {
		if n == 0 {
			return 0
		}
		return 1 + deep(n-1)
	}
	fmt.Println(deep(100_000), runtime.GOOS, runtime.GOARCH)
}

func main() {
	fmt.Println(os.Args[1:], os.Getenv("NAME"))
	routines()
	timers()
	failures()
	data()
	text()
	files()
	collector()
	defer fmt.Println("never: an exit does not run what was deferred")
	os.Exit(3)
}

// The C++ standard library without exceptions: containers, algorithms, strings, smart pointers, variants, templates,
// virtual functions, streams, random numbers. It ends with status 3.
#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <complex>
#include <concepts>
#include <cstdlib>
#include <deque>
#include <forward_list>
#include <functional>
#include <iomanip>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

using namespace std::literals;

struct Shape {
    virtual ~Shape() { destroyed++; }
    virtual double area() const = 0;
    static inline int destroyed = 0;
};
struct Square : Shape {
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    double side;
};
struct Named {
    virtual ~Named() = default;
    virtual std::string name() const { return "nameless"; }
};
struct Circle final : Shape, virtual Named {
    explicit Circle(double radius) : radius(radius) {}
    double area() const override { return 3 * radius * radius; }
    std::string name() const override { return "circle"; }
    double radius;
};

template <std::ranges::range Range> void show(std::string_view what, Range &&range) {
    std::cout << what << ':';
    for (auto &&item : range) std::cout << ' ' << item;
    std::cout << '\n';
}

template <class... Parts> struct Overload : Parts... {
    using Parts::operator()...;
};

template <std::integral T> constexpr T power(T base, unsigned exponent) {
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}
static_assert(power(3, 5) == 243);

static void containers() {
    std::vector<int> numbers{5, 3, 8, 1, 9, 2};
    std::ranges::sort(numbers);
    numbers.insert(numbers.begin() + 2, {70, 71});
    std::erase_if(numbers, [](int n) { return n % 2 == 0; });
    show("vector", numbers);
    std::map<std::string, int> words;
    std::istringstream text("the cat and the dog and the bird");
    for (std::string word; text >> word;) words[word]++;
    for (auto &[word, count] : words) std::cout << word << '=' << count << ' ';
    std::cout << words.contains("fish") << words.lower_bound("c")->first << '\n';
    std::unordered_map<int, std::string> squares;
    for (int i = 0; i < 10000; i++) squares.emplace(i, std::to_string(i * i));
    std::cout << squares.size() << ' ' << squares.at(99) << ' ' << squares.count(10000) << '\n';
    std::multiset<char> letters{'b', 'a', 'b'};
    std::deque<int> queue{1, 2};
    queue.push_front(0);
    std::list<int> list{3, 1, 2};
    list.sort(std::greater());
    list.splice(list.begin(), std::list{9, 9});
    list.unique();
    std::forward_list<int> forward{1, 2, 3};
    forward.reverse();
    show("multiset", letters), show("deque", queue), show("list", list), show("forward", forward);
    std::priority_queue<int, std::vector<int>, std::greater<>> heap;
    for (int n : {5, 1, 4}) heap.push(n);
    std::cout << heap.top() << ' ' << std::bitset<10>(77) << ' ' << std::array{1, 2, 3}.size() << '\n';
    std::unordered_set<std::string_view> unique{"a", "b", "a"};
    std::span<const int> window(numbers.data() + 1, 2);
    std::cout << unique.size() << ' ' << window.front() << ' ' << window.size() << '\n';
    std::pmr::monotonic_buffer_resource arena;
    std::pmr::vector<std::pmr::string> strings(&arena);
    for (int i = 0; i < 100; i++) strings.emplace_back("a string that is too long to be kept inside");
    std::cout << strings.back().size() << '\n';
}

static void algorithms() {
    std::vector<int> v(20);
    std::iota(v.begin(), v.end(), 1);
    std::cout << std::accumulate(v.begin(), v.end(), 0) << ' ' << std::count_if(v.begin(), v.end(), [](int n) { return n % 3 == 0; })
              << ' ' << *std::ranges::find_if(v, [](int n) { return n * n > 50; }) << '\n';
    std::rotate(v.begin(), v.begin() + 5, v.end());
    std::ranges::partition(v, [](int n) { return n < 10; });
    std::nth_element(v.begin(), v.begin() + 10, v.end());
    std::cout << v[10] << ' ' << std::ranges::is_sorted(v) << ' ' << *std::ranges::max_element(v) << '\n';
    auto view = std::views::iota(1) | std::views::filter([](int n) { return n % 2; }) |
                std::views::transform([](int n) { return n * n; }) | std::views::take(5);
    show("view", view);
    std::string letters = "abcd";
    int permutations = 1;
    while (std::next_permutation(letters.begin(), letters.end())) permutations++;
    std::cout << permutations << ' ' << std::gcd(84, 36) << ' ' << std::inner_product(v.begin(), v.begin() + 3, v.begin(), 0) << '\n';
    std::vector<std::pair<int, char>> pairs{{2, 'a'}, {1, 'b'}, {2, 'c'}, {1, 'd'}};
    std::ranges::stable_sort(pairs, {}, &std::pair<int, char>::first);
    for (auto [number, letter] : pairs) std::cout << number << letter << ' ';
    std::vector<int> merged;
    std::ranges::set_union(std::vector{1, 3, 5}, std::vector{2, 3, 4}, std::back_inserter(merged));
    show("union", merged);
}

static void text() {
    std::string s = "hello, " + "world"s;
    s.replace(0, 1, "J").insert(5, "!").append(3, '.');
    std::cout << s << ' ' << s.find("wor") << ' ' << s.substr(7, 5) << ' ' << (s <=> "K" < 0) << ' ' << s.ends_with("...") << '\n';
    std::cout << std::hex << std::showbase << 255 << ' ' << std::oct << 8 << std::dec << ' ' << std::setw(8) << std::setfill('*') << 42
              << ' ' << std::fixed << std::setprecision(3) << 3.14159 << ' ' << std::scientific << 12345.678 << ' '
              << std::defaultfloat << 0.1 << ' ' << std::boolalpha << true << ' ' << std::quoted("a \"b\"") << '\n';
    char buffer[64];
    auto shortest = std::to_chars(buffer, buffer + sizeof buffer, 0.1 + 0.2);
    int parsed = 0;
    auto [end, error] = std::from_chars(buffer, buffer, parsed);
    std::cout << std::string_view(buffer, shortest.ptr) << ' ' << (error == std::errc::invalid_argument) << ' '
              << std::stod("2.5e3") << ' ' << std::stoi("ff", nullptr, 16) << '\n';
    std::istringstream in("12 abc 3.5");
    int number;
    std::string word;
    double value;
    in >> number >> word >> value;
    std::cout << number << word << value << in.eof() << std::complex<double>(1, 2) * std::complex<double>(3, -1) << '\n';
}

static void objects() {
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(3));
    shapes.push_back(std::make_unique<Circle>(2));
    double total = 0;
    for (auto &shape : shapes) {
        total += shape->area();
        if (auto *named = dynamic_cast<Named *>(shape.get())) std::cout << named->name() << ' ';
    }
    Shape &first = *shapes[0];
    std::cout << total << ' ' << (typeid(first) == typeid(Square)) << '\n';
    shapes.clear();
    auto shared = std::make_shared<std::string>("shared");
    std::weak_ptr<std::string> weak = shared;
    auto second = shared;
    std::cout << Shape::destroyed << ' ' << shared.use_count() << ' ' << *weak.lock();
    shared.reset(), second.reset();
    std::cout << ' ' << weak.expired() << '\n';
    std::vector<std::variant<int, std::string, std::vector<int>>> variants{7, "text", std::vector{1, 2, 3}};
    for (auto &variant : variants) {
        std::cout << std::visit(Overload{[](int n) { return n; }, [](const std::string &s) { return int(s.size()); },
                                         [](const std::vector<int> &v) { return v.back(); }}, variant) << ' ';
    }
    std::optional<int> nothing, something = 5;
    auto [a, b] = std::tuple(1, "two"s);
    std::cout << nothing.value_or(-1) << ' ' << *something << ' ' << a << b << ' ' << std::apply(std::plus(), std::pair(3, 4)) << '\n';
    std::function<int(int)> fibonacci = [&](int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); };
    int captured = 0;
    auto add = [&captured, step = 5](auto... values) mutable { return captured += (values + ... + step++); };
    std::cout << fibonacci(18) << ' ' << add(1, 2) << ' ' << add() << ' ' << captured << '\n';
    std::mt19937 random(42);
    std::mt19937_64 wide(42);
    std::cout << random() << ' ' << wide() << ' ' << random() % 100 << '\n';
}

struct AtEnd {
    ~AtEnd() { std::cout << "static destroyed\n"; }
} at_end;

int main(int argc, char **argv) {
    for (std::string_view arg : std::span(argv + 1, argc - 1)) std::cout << arg << ' ';
    std::cout << std::getenv("NAME") << '\n';
    containers();
    algorithms();
    text();
    objects();
    return 3;
}

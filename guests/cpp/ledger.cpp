// Keeps a ledger. Every language here has the same program with the same output. It uses arguments, a variable,
// its input, files, clocks, maps, sorting, floats and the exit code.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>

struct Account {
    int count = 0;
    double total = 0, squares = 0;
};

using Ledger = std::map<std::string, Account, std::less<>>;

static std::optional<double> amount_of(const std::string &text) {
    char *end;
    double amount = std::strtod(text.c_str(), &end);
    return end != text.c_str() && *end == 0 ? std::optional(amount) : std::nullopt;
}

static bool enter(Ledger &ledger, const std::string &line) {
    auto space = line.find(' ');
    if (space == std::string::npos) return false;
    auto amount = amount_of(line.substr(space + 1));
    if (!amount) return false;
    auto &account = ledger.try_emplace(line.substr(0, space)).first->second;
    account.count++;
    account.total += *amount;
    account.squares += *amount * *amount;
    return true;
}

static int read_input(Ledger &ledger) {
    std::uint64_t hash = 14695981039346656037u;
    int bad = 0, number = 0;
    for (std::string line; std::getline(std::cin, line);) {
        number++;
        for (unsigned char c : line) hash = (hash ^ c) * 1099511628211u;
        if (enter(ledger, line)) continue;
        std::cout << "line " << number << ": cannot read `" << line << "`\n";
        bad++;
    }
    std::printf("hash: %016llx\n", static_cast<unsigned long long>(hash));
    return bad;
}

static std::string table(const Ledger &ledger) {
    std::vector<std::pair<std::string, Account>> sorted(ledger.begin(), ledger.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second.total > b.second.total; });
    std::string text;
    for (auto &[name, account] : sorted) {
        double mean = account.total / account.count;
        double deviation = std::sqrt(account.squares / account.count - mean * mean);
        char line[128];
        std::snprintf(line, sizeof line, "%-8s %3d %10.2f %10.4f %9.3f\n", name.c_str(), account.count, account.total,
                      mean, deviation);
        text += line;
    }
    return text;
}

static void sort_numbers() {
    std::vector<std::uint64_t> numbers(100000);
    std::uint64_t state = 42;
    std::generate(numbers.begin(), numbers.end(), [&] {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return state >> 11;
    });
    std::sort(numbers.begin(), numbers.end());
    std::cout << "sorted: " << numbers.front() << ' ' << numbers[numbers.size() / 2] << ' ' << numbers.back() << '\n';
}

template <auto close> struct Closer {
    template <class T> void operator()(T *open) const { close(open); }
};
using File = std::unique_ptr<FILE, Closer<std::fclose>>;
using Folder = std::unique_ptr<DIR, Closer<closedir>>;

static void list_folder() {
    std::vector<std::string> names;
    Folder folder(opendir("."));
    while (dirent *entry = folder ? readdir(folder.get()) : nullptr)
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    std::sort(names.begin(), names.end());
    std::cout << "folder:";
    for (auto &name : names) std::cout << ' ' << name;
    std::cout << '\n';
}

static std::string read(FILE *file) {
    std::string content;
    char part[100];
    while (std::size_t got = std::fread(part, 1, sizeof part, file)) content.append(part, got);
    return content;
}

static bool files(const std::string &path, const std::string &text, std::size_t accounts) {
    File out(std::fopen(path.c_str(), "w"));
    if (!out) return false;
    std::fputs(text.c_str(), out.get());
    out.reset();
    std::fprintf(File(std::fopen(path.c_str(), "a")).get(), "%zu accounts\n", accounts);
    File in(std::fopen(path.c_str(), "r"));
    std::string content = read(in.get());
    std::fseek(in.get(), -9, SEEK_END);
    std::string_view last = std::string_view(content).substr(content.size() - 9, 8);
    std::cout << "file: " << content.size() << " bytes, " << std::count(content.begin(), content.end(), '\n')
              << " lines, at the end `" << last << "`\n";
    if (read(in.get()).substr(0, 8) != last) return false;
    std::string old = path + ".old";
    std::rename(path.c_str(), old.c_str());
    list_folder();
    std::remove(old.c_str());
    list_folder();
    std::cout << "missing: " << (!File(std::fopen(path.c_str(), "r")) && errno == ENOENT ? "yes" : "no") << '\n';
    return true;
}

static void clocks() {
    using namespace std::chrono;
    bool forward = true;
    auto before = steady_clock::now();
    for (int i = 0; i < 1000; i++) {
        auto now = steady_clock::now();
        forward = forward && now >= before;
        before = now;
    }
    bool late = system_clock::now() > sys_days(2020y / January / 1);
    std::cout << "clocks: " << (late ? "after 2020" : "wrong") << ", " << (forward ? "forward" : "backward") << '\n';
}

int main(int argc, char **argv) {
    std::vector<std::string> args(argv + 1, argv + argc);
    if (args.size() < 2) {
        std::cerr << "usage: ledger TITLE FILE\n";
        return 64;
    }
    const char *currency = std::getenv("CURRENCY");
    std::cout << args[0] << ", in " << (currency ? currency : "no currency") << ", " << args.size() << " arguments\n";
    Ledger ledger;
    int bad = read_input(ledger);
    std::string text = table(ledger);
    std::cout << text;
    sort_numbers();
    clocks();
    if (!files(args[1], text, ledger.size())) {
        std::cerr << "ledger: cannot write " << args[1] << '\n';
        return 74;
    }
    return bad;
}

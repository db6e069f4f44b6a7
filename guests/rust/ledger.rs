//! Keeps a ledger. Every language here has the same program with the same output. It uses arguments, a variable,
//! its input, files, clocks, maps, sorting, floats and the exit code.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

#[derive(Default)]
struct Account {
    count: u32,
    total: f64,
    squares: f64,
}

type Ledger = HashMap<String, Account>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [title, path, ..] = &args[..] else {
        eprintln!("usage: ledger TITLE FILE");
        return ExitCode::from(64);
    };
    let currency = std::env::var("CURRENCY").unwrap_or("no currency".to_string());
    println!("{title}, in {currency}, {} arguments", args.len());
    let mut ledger = Ledger::new();
    let bad = read_input(&mut ledger);
    let text = table(&ledger);
    print!("{text}");
    sort_numbers();
    clocks();
    if files(path, &text, ledger.len()).is_err() {
        eprintln!("ledger: cannot write {path}");
        return ExitCode::from(74);
    }
    ExitCode::from(bad)
}

fn read_input(ledger: &mut Ledger) -> u8 {
    let mut hash: u64 = 14695981039346656037;
    let mut bad = 0;
    for (index, line) in io::stdin().lines().map_while(Result::ok).enumerate() {
        hash = line.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(1099511628211));
        if enter(ledger, &line).is_none() {
            println!("line {}: cannot read `{line}`", index + 1);
            bad += 1;
        }
    }
    println!("hash: {hash:016x}");
    bad
}

fn enter(ledger: &mut Ledger, line: &str) -> Option<()> {
    let (name, amount) = line.split_once(' ')?;
    let amount: f64 = amount.parse().ok()?;
    let account = ledger.entry(name.to_string()).or_default();
    account.count += 1;
    account.total += amount;
    account.squares += amount * amount;
    Some(())
}

fn table(ledger: &Ledger) -> String {
    let mut sorted: Vec<(&String, &Account)> = ledger.iter().collect();
    sorted.sort_by(|a, b| b.1.total.total_cmp(&a.1.total).then(a.0.cmp(b.0)));
    let mut text = String::new();
    for (name, Account { count, total, squares }) in sorted {
        let mean = total / f64::from(*count);
        let deviation = (squares / f64::from(*count) - mean * mean).sqrt();
        let _ = writeln!(text, "{name:<8} {count:>3} {total:>10.2} {mean:>10.4} {deviation:>9.3}");
    }
    text
}

fn sort_numbers() {
    let mut state: u64 = 42;
    let mut numbers = Vec::new();
    for _ in 0..100_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        numbers.push(state >> 11);
    }
    numbers.sort_unstable();
    println!("sorted: {} {} {}", numbers[0], numbers[numbers.len() / 2], numbers[numbers.len() - 1]);
}

fn clocks() {
    let mut forward = true;
    let mut before = Instant::now();
    for _ in 0..1000 {
        let now = Instant::now();
        forward &= now >= before;
        before = now;
    }
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|time| time.as_secs() > 1577836800);
    println!("clocks: {}, {}", if wall { "after 2020" } else { "wrong" }, if forward { "forward" } else { "backward" });
}

fn files(path: &str, text: &str, accounts: usize) -> io::Result<()> {
    fs::write(path, text)?;
    writeln!(OpenOptions::new().append(true).open(path)?, "{accounts} accounts")?;
    let mut file = File::open(path)?;
    let mut content = String::new();
    file.read_to_string(&mut content)?;
    file.seek(SeekFrom::End(-9))?;
    let mut last = [0; 8];
    file.read_exact(&mut last)?;
    let (bytes, lines) = (content.len(), content.lines().count());
    println!("file: {bytes} bytes, {lines} lines, at the end `{}`", String::from_utf8_lossy(&last));
    let old = format!("{path}.old");
    fs::rename(path, &old)?;
    list_folder()?;
    fs::remove_file(&old)?;
    list_folder()?;
    let missing = File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    println!("missing: {}", if missing { "yes" } else { "no" });
    Ok(())
}

fn list_folder() -> io::Result<()> {
    let entries = fs::read_dir(".")?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names.insert(0, "folder:".to_string());
    println!("{}", names.join(" "));
    Ok(())
}

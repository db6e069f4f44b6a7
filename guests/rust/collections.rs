//! Rust's standard library: collections, strings, formatting, traits, closures, iterators, smart pointers, files, clocks.
//! It ends with status 3.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant, SystemTime};

fn collections() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in "the cat and the dog and the bird".split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    println!("{counts:?} {:?}", counts.range("b".."d").next());
    let squares: HashMap<u32, u64> = (0..50_000).map(|n| (n, u64::from(n) * u64::from(n))).collect();
    println!("{} {} {:?}", squares.len(), squares[&777], squares.get(&50_000));
    let (a, b): (HashSet<i32>, HashSet<i32>) = ((1..6).collect(), (4..9).collect());
    println!("{:?} {:?}", a.intersection(&b).collect::<BTreeSet<_>>(), a.symmetric_difference(&b).count());
    let mut heap = BinaryHeap::from([5, 1, 8, 3]);
    println!("{:?} {:?} {:?}", heap.pop(), heap.peek(), heap.clone().into_sorted_vec());
    let mut queue: VecDeque<i32> = (0..5).collect();
    queue.rotate_left(2);
    queue.push_front(9);
    println!("{queue:?} {:?}", queue.iter().rev().step_by(2).collect::<LinkedList<_>>());
    let mut numbers: Vec<u64> = (0..30_000).map(|n| n * 7919 % 30_011).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.dedup();
    println!("{:?} {:?}", &numbers[..3], numbers.binary_search_by(|n| 77.cmp(n)));
    println!(
        "{:?} {:?}",
        [1, 2, 3, 4, 5].chunks(2).collect::<Vec<_>>(),
        [1, 2, 3].windows(2).map(|w| w[0] * w[1]).max()
    );
}

fn text() {
    let text = "Kinglet ☃ naïve 𝄞";
    println!("{} {} {:?} {:?}", text.len(), text.chars().count(), text.find('☃'), text.char_indices().nth(8));
    println!("{} {:?} {}", text.to_uppercase(), text.split(' ').rev().collect::<Vec<_>>(), text.replace("ï", "i"));
    println!(
        "{:?} {:?}",
        String::from_utf8(vec![0xff, 0x41]).map_err(|e| e.utf8_error().valid_up_to()),
        "\u{e9}\t\"\n"
    );
    println!("[{:>8.3}] [{:<6}] [{:^7}] [{:+}] [{:#06x}] [{:#b}] [{:e}]", 3.14159, "ab", "mid", 5, 255, 5, 12345.678);
    println!("[{:?}] [{}] [{}] [{}] [{:?}] [{}]", 0.1 + 0.2, 1e21, f64::MIN_POSITIVE, f32::MAX, -0.0, f64::NAN);
    println!("{:?} {:?} {:?}", "12x".parse::<i32>().is_err(), "2.5e-3".parse::<f64>(), u8::from_str_radix("ff", 16));
    let cow: Cow<'_, str> = String::from_utf8_lossy(b"plain");
    println!("{:#?} {}", Some(("nested", [1])), matches!(cow, Cow::Borrowed(_)));
}

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String {
        format!("something of {}", self.area())
    }
}

struct Square(f64);
struct Circle {
    radius: f64,
}

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        3.0 * self.radius.powi(2)
    }
    fn name(&self) -> String {
        "circle".into()
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Number(i64),
    Binary(Box<Expression>, char, Box<Expression>),
}

#[derive(Debug)]
struct NotANumber(String);

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a number", self.0)
    }
}

impl std::error::Error for NotANumber {}

/// Reads `a op b op c …` from left to right.
fn parse(text: &str) -> Result<Expression, Box<dyn std::error::Error>> {
    let number = |word: Option<&str>| {
        let word = word.ok_or("something is missing")?;
        word.parse().map(Expression::Number).map_err(|_| Box::<dyn std::error::Error>::from(NotANumber(word.into())))
    };
    let mut words = text.split_whitespace();
    let mut left = number(words.next())?;
    while let Some(operator) = words.next() {
        let operator = operator.chars().next().ok_or("no operator")?;
        left = Expression::Binary(Box::new(left), operator, Box::new(number(words.next())?));
    }
    Ok(left)
}

fn evaluate(expression: &Expression) -> Option<i64> {
    match expression {
        Expression::Number(n) => Some(*n),
        Expression::Binary(a, operator @ ('+' | '*' | '/'), b) => {
            let (a, b) = (evaluate(a)?, evaluate(b)?);
            match operator {
                '+' => a.checked_add(b),
                '*' => a.checked_mul(b),
                _ => a.checked_div(b),
            }
        }
        Expression::Binary(..) => None,
    }
}

fn objects() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(3.0)), Box::new(Circle { radius: 2.0 })];
    println!(
        "{:?} {}",
        shapes.iter().map(|s| s.name()).collect::<Vec<_>>(),
        shapes.iter().map(|s| s.area()).sum::<f64>()
    );
    for text in ["2 + 3 * 4", "7 / 0", "9223372036854775807 + 1", "1 +", "x", "1 ? 2"] {
        match parse(text) {
            Ok(expression) => println!("{text} = {:?}", evaluate(&expression)),
            Err(error) => println!("{text}: {error} ({})", error.is::<NotANumber>()),
        }
    }
    let fibonacci = std::iter::successors(Some((0u128, 1u128)), |&(a, b)| Some((b, a.checked_add(b)?)));
    println!("{:?}", fibonacci.map(|(a, _)| a).last());
    let mut calls = Vec::new();
    let mut record = |what: &str| calls.push(what.to_owned());
    ["a", "b"].into_iter().for_each(&mut record);
    let (even, odd): (Vec<i32>, Vec<i32>) = (1..10).partition(|n| n % 2 == 0);
    println!(
        "{calls:?} {even:?} {odd:?} {:?}",
        (1..4).flat_map(|n| vec![n; n]).zip("abcdef".chars()).collect::<Vec<_>>()
    );
}

struct Noisy<'a>(&'a Cell<u32>);

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn sharing() {
    let drops = Cell::new(0);
    let noisy: Vec<Noisy<'_>> = (0..10).map(|_| Noisy(&drops)).collect();
    drop(noisy.into_iter().nth(4));
    let shared = Rc::new(RefCell::new(vec![1]));
    let weak: Weak<_> = Rc::downgrade(&shared);
    shared.borrow_mut().push(2);
    println!("{} {:?} {} {}", drops.get(), weak.upgrade(), Rc::strong_count(&shared), shared.try_borrow_mut().is_ok());
    static ONCE: OnceLock<u64> = OnceLock::new();
    let counter = Arc::new((AtomicU64::new(5), Mutex::new(String::new())));
    counter.0.fetch_add(*ONCE.get_or_init(|| 37), Ordering::SeqCst);
    counter.1.lock().unwrap().push_str("locked");
    let (sender, receiver) = mpsc::channel();
    (0..3).for_each(|n| sender.send(n * n).unwrap());
    drop(sender);
    println!("{counter:?} {:?}", receiver.iter().collect::<Vec<_>>());
    println!("{:?}", std::thread::Builder::new().spawn(|| ()).map_err(|error| error.kind()).err());
}

fn numbers() {
    println!("{} {} {} {}", -7 / 2, -7 % 3, (-7i32).rem_euclid(3), 7i32.pow(10));
    println!(
        "{:?} {:?} {} {}",
        200u8.checked_add(100),
        200u8.overflowing_add(100),
        200u8.saturating_add(100),
        300i32 as u8
    );
    println!("{} {} {} {}", u64::MAX.count_ones(), 1u32.leading_zeros(), 0x1234u16.swap_bytes(), 1u8.rotate_right(1));
    println!("{} {} {}", i128::MAX, u128::MAX / 7, (1i128 << 100) - 1);
    println!("{:.12} {:.12} {:.12} {}", 1f64.sin(), 2f64.exp(), 10f64.ln(), 2.5f64.round());
    println!("{} {} {:?} {}", f64::INFINITY as i32, f64::NAN as u8, 1.5f64.to_bits().to_be_bytes(), 0.1f32 as f64);
}

fn files() -> io::Result<()> {
    fs::create_dir_all("work/deep")?;
    let mut file = fs::File::options().create_new(true).read(true).write(true).open("work/a.txt")?;
    for n in 0..1000 {
        writeln!(file, "line {n}")?;
    }
    file.seek(SeekFrom::Start(5))?;
    let mut lines = BufReader::new(&file).lines();
    println!("{:?} {:?}", lines.next().transpose()?, lines.last().transpose()?);
    file.seek(SeekFrom::End(-3))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    file.set_len(20)?;
    println!("{tail:?} {} {:?}", file.metadata()?.len(), fs::read("work/a.txt")?.len());
    fs::copy("work/a.txt", "work/deep/b.txt")?;
    println!("{:?} {:?}", fs::read_dir("work")?.count(), fs::remove_dir("work").is_err());
    fs::remove_dir_all("work")?;
    println!("{:?}", fs::metadata("work").map_err(|error| error.kind()).err());
    Ok(())
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("{args:?} {:?} {:?}", std::env::var("NAME"), std::env::var_os("NOT_GIVEN"));
    collections();
    text();
    objects();
    sharing();
    numbers();
    files()?;
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("{} {}", start.elapsed() >= Duration::from_millis(20), SystemTime::now() > SystemTime::UNIX_EPOCH);
    io::stdout().flush()?;
    std::process::exit(3)
}

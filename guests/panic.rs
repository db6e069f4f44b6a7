//! Panics: the message goes to standard error, and the program ends with a trap.

fn main() {
    let lines: Vec<u32> = std::env::args().map(|argument| argument.len() as u32).collect();
    println!("about to panic");
    println!("{}", lines[lines.len() + 6]);
}

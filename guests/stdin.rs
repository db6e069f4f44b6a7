//! Prints each line of its input with its number, then the number of lines.

use std::io::{self, BufRead};

fn main() -> io::Result<()> {
    let mut count = 0;
    for line in io::stdin().lock().lines() {
        count += 1;
        println!("{count}: {}", line?);
    }
    println!("{count} lines");
    Ok(())
}

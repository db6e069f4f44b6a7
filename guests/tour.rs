//! A short tour of a guest's capabilities: its arguments, environment variables and preopened directory, nothing else.
//! It ends with a picture whose computation takes a while, to show the guest's speed.

use std::time::Instant;

fn main() {
    println!("Hello! I am a WebAssembly program, and this is everything I can see.\n");
    arguments();
    environment();
    folder();
    way_out();
    picture();
}

fn arguments() {
    println!("My arguments:");
    for (index, argument) in std::env::args().enumerate() {
        println!("  {index}: {argument}");
    }
    println!();
}

fn environment() {
    println!("My environment:");
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    variables.sort_unstable();
    for (name, value) in &variables {
        println!("  {name}={value}");
    }
    if variables.is_empty() {
        println!("  (empty: I was given no variables)");
    }
    println!();
}

fn folder() {
    println!("The folder I was given:");
    match std::fs::read_dir(".") {
        Ok(entries) => {
            let mut names: Vec<String> = entries.flatten().map(describe).collect();
            names.sort_unstable();
            const SHOWN: usize = 12;
            for name in names.iter().take(SHOWN) {
                println!("  {name}");
            }
            match names.len() {
                0 => println!("  (it is empty)"),
                count if count > SHOWN => println!("  ... and {} more", count - SHOWN),
                _ => {}
            }
        }
        Err(_) => println!("  (none: give me one, and I can read it)"),
    }
    println!();
}

fn describe(entry: std::fs::DirEntry) -> String {
    let name = entry.file_name().to_string_lossy().into_owned();
    match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => format!("{name}/"),
        Ok(metadata) => format!("{name}  ({} bytes)", metadata.len()),
        Err(_) => name,
    }
}

fn way_out() {
    println!("Can I get out of it?");
    for path in ["..", "../..", "/etc/passwd"] {
        match std::fs::metadata(path) {
            Ok(_) => println!("  {path}: yes! That should not be possible."),
            Err(error) => println!("  {path}: no, {}", reason(&error)),
        }
    }
    println!("  What I was not given does not exist for me.\n");
}

/// Returns the message without the error number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

const WIDTH: u32 = 78;
const HEIGHT: u32 = 32;
const ITERATIONS: u32 = 8000;

/// The number of points per character, horizontally and vertically.
const SAMPLES: u32 = 3;

fn picture() {
    println!("And now I draw the Mandelbrot set:\n");
    let start = Instant::now();
    let mut lines = String::new();
    let mut total = 0;
    for row in 0..HEIGHT {
        for column in 0..WIDTH {
            let (brightness, steps) = sample(column, row);
            lines.push(b" .:-=+*%@#"[brightness] as char);
            total += steps;
        }
        lines.push('\n');
    }
    let elapsed = start.elapsed();
    print!("{lines}");
    println!("\nThat took {} ms for {} million steps.", elapsed.as_millis(), total / 1_000_000);
}

/// Returns the brightness of a character, from 0 to 9, and the number of iterations.
fn sample(column: u32, row: u32) -> (usize, u64) {
    let (mut brightness, mut steps) = (0, 0);
    for index in 0..SAMPLES * SAMPLES {
        let across = f64::from(column * SAMPLES + index % SAMPLES) / f64::from(WIDTH * SAMPLES - 1);
        let down = f64::from(row * SAMPLES + index / SAMPLES) / f64::from(HEIGHT * SAMPLES - 1);
        let count = escape(across * 3.1 - 2.2, down * 2.4 - 1.2);
        brightness += if count == ITERATIONS { 9 } else { (count / 2).checked_ilog2().map_or(0, |log| log + 1).min(8) };
        steps += u64::from(count);
    }
    ((brightness / (SAMPLES * SAMPLES)) as usize, steps)
}

/// Returns the number of iterations until the point escapes.
fn escape(cx: f64, cy: f64) -> u32 {
    let (mut x, mut y) = (0.0, 0.0);
    for count in 0..ITERATIONS {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return count;
        }
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
    }
    ITERATIONS
}

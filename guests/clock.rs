//! Sleeps for 20 ms and reads the clocks.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    const NAP: Duration = Duration::from_millis(20);
    let start = Instant::now();
    sleep(NAP);
    let slept = start.elapsed();
    assert!(slept >= NAP, "slept for {} ms only", slept.as_millis());
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    assert!(since.as_secs() > 1_700_000_000, "it is not {} seconds after 1970", since.as_secs());
    println!("OK");
}

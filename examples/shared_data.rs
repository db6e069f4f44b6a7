//! Data that guest and host share: an array in the guest's memory that the host writes and reads in place, a counter in a
//! global that both modify, and a scoreboard of the host that several stores share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kinglet::{Caller, Engine, Error, Linker, Module, Result, Store, Val};

const GUEST: &str = r#"(module
    (import "board" "enter" (func $enter (param i32)))
    (memory (export "memory") 1)
    (global $rounds (export "rounds") (mut i32) (i32.const 0))

    ;; Squares the `len` numbers at `at` in place, and enters their sum.
    (func (export "play") (param $at i32) (param $len i32)
        (local $end i32) (local $square i32) (local $sum i32)
        (local.set $end (i32.add (local.get $at) (i32.mul (local.get $len) (i32.const 4))))
        (block $done
            (loop $next
                (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
                (local.set $square (i32.mul (i32.load (local.get $at)) (i32.load (local.get $at))))
                (i32.store (local.get $at) (local.get $square))
                (local.set $sum (i32.add (local.get $sum) (local.get $square)))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))
                (br $next)))
        (global.set $rounds (i32.add (global.get $rounds) (i32.const 1)))
        (call $enter (local.get $sum))))"#;

/// The scoreboard that all stores share.
type Board = Arc<Mutex<BTreeMap<&'static str, Vec<u32>>>>;

/// The data of each store.
struct Player {
    name: &'static str,
    board: Board,
}

fn enter(caller: Caller<'_, Player>, score: u32) {
    let player = caller.data();
    player.board.lock().unwrap_or_else(PoisonError::into_inner).entry(player.name).or_default().push(score);
}

/// Plays several rounds and prints the numbers after each round.
fn play(store: &mut Store<Player>, linker: &Linker<Player>, module: &Module, rounds: &[&[u32]]) -> Result<()> {
    let instance = linker.instantiate(&mut *store, module)?;
    let missing = || Error::msg("the guest lacks an export");
    let memory = instance.get_memory(&mut *store, "memory").ok_or_else(missing)?;
    let counter = instance.get_global(&mut *store, "rounds").ok_or_else(missing)?;
    let play = instance.get_typed_func::<(u32, u32), ()>(&mut *store, "play")?;
    // The host sets the counter, and the guest continues from this value.
    counter.set(&mut *store, Val::I32(100))?;
    for numbers in rounds {
        let bytes = memory.data_mut(&mut *store);
        for (place, number) in bytes[64..].chunks_exact_mut(4).zip(*numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        play.call(&mut *store, (64, numbers.len() as u32))?;
        let (bytes, player) = memory.data_and_store_mut(&mut *store);
        let squares = bytes[64..].chunks_exact(4).take(numbers.len());
        let squares: Vec<u32> = squares.map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        println!("{}: {numbers:?} became {squares:?}", player.name);
    }
    println!("{}: counter at {}", store.data().name, counter.get(&store).i32().unwrap_or_default());
    Ok(())
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("board", "enter", enter)?;
    let board = Board::default();

    let mut ada = Store::new(&engine, Player { name: "Ada", board: board.clone() });
    let mut bob = Store::new(&engine, Player { name: "Bob", board: board.clone() });
    play(&mut ada, &linker, &module, &[&[1, 2, 3], &[10]])?;
    play(&mut bob, &linker, &module, &[&[4, 5]])?;
    println!("the board: {:?}", board.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}

//! A WASI program with its standard streams in memory: the host provides its input and reads its output.

use kinglet::{Engine, Linker, Module, Result, Store};
use kinglet_wasi::{I32Exit, Pipe, WasiCtx};

/// Numbers the lines of its input.
const GUEST: &[u8] = include_bytes!("../guests/stdin.wasm");
/// Exits with the status in its first argument.
const EXIT: &[u8] = include_bytes!("../guests/exit.wasm");

/// Runs a program to its end. Returns its exit status, its standard output and its standard error.
fn run(engine: &Engine, program: &Module, args: &[&str], input: &[u8]) -> Result<(i32, String, String)> {
    let mut linker = Linker::new(engine);
    kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
    // Without a limit, a program could fill the host's memory with its output.
    let (stdout, stderr) = (Pipe::with_limit(1 << 20), Pipe::with_limit(1 << 20));
    let mut ctx = WasiCtx::builder();
    ctx.arg("program").args(args.iter().copied());
    ctx.stdin(Pipe::from(input.to_vec())).stdout(stdout.clone()).stderr(stderr.clone());
    let mut store = Store::new(engine, ctx.build()?);

    let instance = linker.instantiate(&mut store, program)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    let status = match start.call(&mut store, ()) {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => *status,
            None => return Err(error),
        },
    };
    let text = |pipe: Pipe| String::from_utf8_lossy(&pipe.take()).into_owned();
    Ok((status, text(stdout), text(stderr)))
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let number = Module::new(&engine, GUEST)?;
    for input in ["one\ntwo\n", "", "no line end"] {
        let (status, output, _) = run(&engine, &number, &[], input.as_bytes())?;
        println!("{input:?}: {output:?}, status {status}");
    }
    let (status, output, messages) = run(&engine, &Module::new(&engine, EXIT)?, &["7"], b"")?;
    println!("exit 7: status {status}, {} bytes of output, {} of messages", output.len(), messages.len());
    Ok(())
}

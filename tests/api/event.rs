//! The library's events for a `tracing` subscriber.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use kinglet::{Config, Engine, Linker, Module, RunMode, Store, StoreLimits, StoreLimitsBuilder};
use kinglet_wasi::WasiCtx;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Records the events of one thread as lines. It is the subscriber of the whole process, because `tracing` caches per
/// process whether an event is enabled, and other tests cause the same events.
#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<String>>>, ThreadId);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kinglet")
    }

    fn event(&self, event: &Event<'_>) {
        if std::thread::current().id() != self.1 {
            return;
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = event.metadata().level();
        assert!(*level >= Level::DEBUG, "a library logs at debug and trace level only: {line:?}");
        self.0.lock().unwrap().push(format!("{level}{}", line.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Debug)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Store numbers depend on other tests.
        if field.name() != "store" {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

/// Starts recording the events of this thread. Call it once in a process.
pub(crate) fn listen() -> Arc<Mutex<Vec<String>>> {
    let lines = Lines(Arc::default(), std::thread::current().id());
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    lines.0
}

#[test]
fn every_step_is_an_event() {
    let lines = listen();
    let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap();
    let text = r#"(module $noted
        (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
        (memory (export "memory") 1)
        (func $grow (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "close") (result i32) (call $close (i32.const 77)))
        (func (export "trap") unreachable))"#;
    let module = Module::new(&engine, text).unwrap();
    let mut linker = Linker::new(&engine);
    kinglet_wasi::add_to_linker(&mut linker, |data: &mut (WasiCtx, StoreLimits)| &mut data.0).unwrap();
    let limits = StoreLimitsBuilder::new().memory_size(2 << 16).build();
    let mut store = Store::new(&engine, (WasiCtx::builder().build().unwrap(), limits));
    store.limiter(|data| &mut data.1);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!((grow.call(&mut store, 1).unwrap(), grow.call(&mut store, 1).unwrap()), (1, -1));
    let close = instance.get_typed_func::<(), i32>(&mut store, "close").unwrap();
    assert_eq!(close.call(&mut store, ()).unwrap(), 8);
    let trap = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap();
    trap.call(&mut store, ()).unwrap_err();
    let lines = lines.lock().unwrap();
    let expected = [
        "DEBUG message=module validated",
        "DEBUG message=module instantiated module=\"noted\" instance=0",
        "TRACE message=function lowered function=1",
        "DEBUG message=memory grown memory=0 from=65536 to=131072",
        "DEBUG message=the limiter refused requested=\"Memory(",
        "TRACE message=function lowered function=2",
        "TRACE function=\"fd_close\" arguments=[77] result=Err(Errno(",
        "TRACE message=function lowered function=3",
        "DEBUG message=a call ended with an error status=Trap error=wasm trap: unreachable",
    ];
    let found = |(line, expected): (&String, &&str)| line.starts_with(expected);
    assert!(lines.len() == expected.len() && lines.iter().zip(&expected).all(found), "{lines:#?}");
}

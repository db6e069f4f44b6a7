//! The module `spectest` that every script may import (spec repository, "interpreter/README", "Spectest host module").

use kinglet::{Global, GlobalType, IndexType, Linker, Memory, MemoryType, Ref, RefType, Result, Store};
use kinglet::{Table, TableType, Val, ValType};

/// The module's name.
pub(super) const NAME: &str = "spectest";

/// Defines `spectest` in `linker`. Its `print` functions print nothing, because scripts do not check their output.
pub(super) fn define(store: &mut Store<()>, linker: &mut Linker<()>) -> Result<()> {
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, content, value) in globals {
        let global = Global::new(&mut *store, GlobalType { content, mutable: false }, value)?;
        linker.define(&*store, NAME, name, global)?;
    }
    let table_type = TableType::new(RefType::FUNCREF, 10, Some(20));
    for (name, index) in [("table", IndexType::I32), ("table64", IndexType::I64)] {
        match Table::new(&mut *store, TableType { index, ..table_type }, Ref::Func(None)) {
            Ok(table) => _ = linker.define(&*store, NAME, name, table)?,
            // Scripts for an engine without 64-bit tables do not use `table64`.
            Err(_) if index == IndexType::I64 => {}
            Err(error) => return Err(error),
        }
    }
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&*store, NAME, "memory", memory)?;
    linker.func_wrap(NAME, "print", || {})?;
    linker.func_wrap(NAME, "print_i32", |_: i32| {})?;
    linker.func_wrap(NAME, "print_i64", |_: i64| {})?;
    linker.func_wrap(NAME, "print_f32", |_: f32| {})?;
    linker.func_wrap(NAME, "print_f64", |_: f64| {})?;
    linker.func_wrap(NAME, "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap(NAME, "print_f64_f64", |_: f64, _: f64| {})?;
    Ok(())
}

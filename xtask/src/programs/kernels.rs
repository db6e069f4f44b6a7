//! The kernels of the bench, scalar and with vectors, and its smallest program.

use super::{Compile, OUTPUT, Program, Recipe, c, words};
use crate::kernel::{self, FORMS};
use crate::process::Context;

pub(super) fn list(context: &Context) -> Vec<Program> {
    let mut programs = vec![program(context, "bench/hello.c", kernel::HELLO.to_string(), None)];
    for (form, option) in FORMS {
        for kernel in kernel::list(context) {
            let source = format!("bench/kernels/{}.c", kernel.name);
            programs.push(program(context, &source, kernel.file(form), option));
        }
    }
    programs
}

fn program(context: &Context, source: &str, file: String, option: Option<&str>) -> Program {
    let mut args = words(&[c::TARGET, "-Wl,--strip-debug"]);
    args.extend(words(kernel::OPTIONS));
    args.extend(option.map(str::to_string));
    args.extend(words(&[source, "-o", OUTPUT]));
    let header = kernel::directory(context).join("kernel.h");
    Program {
        file,
        source: source.to_string(),
        inputs: vec![context.root.join(source), header],
        recipe: Recipe::Compile(Compile { tool: "clang-19".into(), directory: None, args, env: Vec::new() }),
    }
}

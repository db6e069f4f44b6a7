//! What one guest can see of the world. A new context shows it nothing: no arguments, no environment, no folder, and
//! standard streams that lead nowhere; the builder opens each door by name.

use crate::host::clock::Clocks;
use crate::host::fs::memory::MemoryDir;
use crate::host::fs::{DirAccess, Directory};
use crate::host::net::Socket;
use crate::host::stdio::{Inherited, Stdio, Stream};
use crate::p1::table::{Descriptor, Table};
use crate::p1::types::Rights;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// The state of one guest: arguments, environment, and open descriptors. It lives in the data of a store.
///
/// ```
/// use kinglet::{Engine, Linker, Store};
/// use kinglet_wasi::WasiCtx;
///
/// /// The data of a store may be anything that has a context in it.
/// struct Guest {
///     wasi: WasiCtx,
///     requests: u32,
/// }
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// kinglet_wasi::add_to_linker(&mut linker, |guest: &mut Guest| &mut guest.wasi)?;
/// let wasi = WasiCtx::builder().args(["tool", "--help"]).build()?;
/// let store = Store::new(&engine, Guest { wasi, requests: 0 });
/// assert_eq!(store.data().requests, 0);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug)]
pub struct WasiCtx {
    pub(crate) args: Vec<String>,
    /// Each `NAME=value`.
    pub(crate) environ: Vec<String>,
    pub(crate) clocks: Clocks,
    pub(crate) table: Table,
}

impl WasiCtx {
    /// A builder that shows the guest nothing yet.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::default()
    }
}

/// Says what a guest can see, one thing at a time.
///
/// ```
/// use kinglet_wasi::{DirAccess, MemoryDir, Pipe, WasiCtx};
///
/// let (out, work) = (Pipe::new(), MemoryDir::new());
/// let mut builder = WasiCtx::builder();
/// builder.arg("tool").env("LANG", "C").stdin(Pipe::from("input")).stdout(out.clone());
/// builder.preopened_memory(&work, "/work", DirAccess::ReadWrite);
/// builder.preopened_dir(std::env::temp_dir(), "/tmp", DirAccess::ReadOnly)?;
/// let ctx = builder.build()?;
/// # drop(ctx);
/// assert!(WasiCtx::builder().env("NOT=A NAME", "").build().is_err());
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct WasiCtxBuilder {
    args: Vec<String>,
    environ: Vec<(String, String)>,
    stdin: Stdio,
    stdout: Stdio,
    stderr: Stdio,
    preopens: Vec<(Directory, String)>,
    sockets: Vec<Socket>,
}

impl WasiCtxBuilder {
    /// Adds one argument; the first is by custom the name of the program.
    pub fn arg(&mut self, arg: impl Into<String>) -> &mut Self {
        self.args.push(arg.into());
        self
    }

    /// Adds several arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable; a second value for the same name replaces the first.
    pub fn env(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        self.environ.retain(|(other, _)| *other != name);
        self.environ.push((name, value));
        self
    }

    /// Sets several environment variables.
    pub fn envs(&mut self, variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> &mut Self {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// What the guest reads as its standard input.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin = stdin.into();
        self
    }

    /// Where the guest's standard output goes.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.stdout = stdout.into();
        self
    }

    /// Where the guest's standard error goes.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.stderr = stderr.into();
        self
    }

    /// Connects all three standard streams to those of the host process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.stdin(Stdio::Inherit).stdout(Stdio::Inherit).stderr(Stdio::Inherit)
    }

    /// Gives the guest the folder `host` under the name `guest` (often `.` or `/`). Everything below it can be
    /// reached, and nothing outside: no absolute path, no `..`, and no symbolic link leads out.
    ///
    /// # Errors
    ///
    /// When `host` cannot be opened or is not a folder.
    pub fn preopened_dir(
        &mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: DirAccess,
    ) -> Result<&mut Self> {
        let (host, guest) = (host.as_ref(), guest.into());
        let directory = Directory::open_ambient(host, access)
            .with_context(|| format!("cannot open the folder `{}` for the guest", host.display()))?;
        self.preopens.push((directory, guest));
        Ok(self)
    }

    /// Gives the guest the folder in memory `tree` under the name `guest`.
    pub fn preopened_memory(&mut self, tree: &MemoryDir, guest: impl Into<String>, access: DirAccess) -> &mut Self {
        self.preopens.push((Directory::memory(tree, access), guest.into()));
        self
    }

    /// Gives the guest an open TCP socket: a [`TcpListener`](std::net::TcpListener) to accept connections from, or a
    /// [`TcpStream`](std::net::TcpStream). It is put into non-blocking mode. Sockets have the descriptors after the
    /// folders, in the order they are given: with one folder, which is 3, the first socket is 4.
    ///
    /// ```
    /// use kinglet_wasi::WasiCtx;
    /// use std::net::TcpListener;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let ctx = WasiCtx::builder().env("LISTENER", "3").preopened_socket(listener)?.build()?;
    /// # drop(ctx);
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the socket cannot be put into non-blocking mode.
    pub fn preopened_socket(&mut self, socket: impl Into<Socket>) -> Result<&mut Self> {
        let socket = socket.into().without_blocking().context("cannot prepare a socket for the guest")?;
        self.sockets.push(socket);
        Ok(self)
    }

    /// Makes the context and leaves the builder empty.
    ///
    /// # Errors
    ///
    /// When an argument, a variable or a folder's name holds a zero byte, a variable's name is empty or holds `=`, or
    /// there are more folders and sockets than a guest can hold descriptors.
    pub fn build(&mut self) -> Result<WasiCtx> {
        let WasiCtxBuilder { args, environ, stdin, stdout, stderr, preopens, sockets } = std::mem::take(self);
        for text in args.iter().chain(preopens.iter().map(|(_, name)| name)) {
            no_zero_byte(text)?;
        }
        for (name, value) in &environ {
            no_zero_byte(name)?;
            no_zero_byte(value)?;
            if name.is_empty() || name.contains('=') {
                bail!("`{name}` cannot be the name of an environment variable");
            }
        }
        let streams = [
            (stdin, Inherited::Stdin, Rights::STDIN),
            (stdout, Inherited::Stdout, Rights::STDOUT),
            (stderr, Inherited::Stderr, Rights::STDOUT),
        ];
        let streams = streams.map(|(stdio, which, rights)| Descriptor::stream(Stream::new(stdio, which), rights));
        let preopens = preopens.into_iter().map(|(directory, name)| Descriptor::preopen(directory, name));
        let sockets = sockets.into_iter().map(Descriptor::of_socket);
        let mut table = Table::default();
        for descriptor in streams.into_iter().chain(preopens).chain(sockets) {
            if table.insert(descriptor).is_err() {
                bail!("too many folders and sockets for one guest");
            }
        }
        let environ = environ.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(WasiCtx { args, environ, clocks: Clocks::new(), table })
    }
}

fn no_zero_byte(text: &str) -> Result<()> {
    if text.contains('\0') {
        bail!("{text:?} holds a zero byte, where the guest would take it to end");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named_in_the_error() {
        let error = WasiCtx::builder().preopened_dir("no/such/folder", ".", DirAccess::ReadOnly).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("cannot open the folder `no/such/folder` for the guest: "),
            "{error:#}"
        );
    }

    #[test]
    fn a_context_can_move_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<WasiCtx>();
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let ctx = WasiCtx::builder().env("A", "1").env("B", "2").env("A", "3").build().unwrap();
        assert_eq!(ctx.environ, ["B=2", "A=3"]);
    }

    #[test]
    fn text_a_guest_would_misread_is_refused() {
        assert!(WasiCtx::builder().arg("a\0b").build().is_err());
        assert!(WasiCtx::builder().env("A=B", "c").build().is_err());
    }
}

//! The state of one guest, and its builder. By default, a guest has no arguments, no environment variables and no
//! directories, and its standard streams are empty.

use crate::host::clock::Clocks;
use crate::host::fs::memory::MemoryDir;
use crate::host::fs::{Directory, FsPerms};
use crate::host::net::Socket;
use crate::host::stdio::{StandardStream, Stdio, Stream};
use crate::p1::WasiP1Ctx;
use crate::p1::table::{Descriptor, DescriptorTable};
use crate::p1::types::Rights;
use anyhow::{Context, Result, bail};
use std::borrow::Borrow;
use std::path::Path;

/// The WASI state of one guest: arguments, environment variables and open descriptors. Put it in the data of a store.
///
/// ```
/// use kinglet::{Engine, Linker, Store};
/// use kinglet_wasi::WasiCtx;
///
/// /// The data of a store can be any type that contains a context.
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
    /// The variables, each as `NAME=value`.
    pub(crate) environ: Vec<String>,
    pub(crate) clocks: Clocks,
    pub(crate) table: DescriptorTable,
}

impl WasiCtx {
    /// Returns a builder with the defaults.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }
}

/// Builds a [`WasiCtx`].
///
/// ```
/// use kinglet_wasi::{FsPerms, MemoryDir, Pipe, WasiCtx};
///
/// let (out, work) = (Pipe::new(), MemoryDir::new());
/// let mut builder = WasiCtx::builder();
/// builder.arg("tool").env("LANG", "C").stdin(Pipe::from("input")).stdout(out.clone());
/// builder.preopened_memory(&work, "/work", FsPerms::ReadWrite);
/// builder.preopened_dir(std::env::temp_dir(), "/tmp", FsPerms::ReadOnly)?;
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
    /// Creates a builder without arguments, variables, directories and sockets, and with empty standard streams.
    pub fn new() -> WasiCtxBuilder {
        WasiCtxBuilder::default()
    }

    /// Adds an argument. By convention, the first argument is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<str>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<str>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds the arguments of the host process, including the program's name. Replaces invalid UTF-8 with U+FFFD.
    pub fn inherit_args(&mut self) -> &mut Self {
        self.args.extend(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()));
        self
    }

    /// Sets an environment variable. Replaces an earlier value of the same variable.
    pub fn env(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> &mut Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.environ.retain(|(other, _)| *other != name);
        self.environ.push((name, value));
        self
    }

    /// Sets environment variables. Accepts pairs of name and value, and references to such pairs.
    ///
    /// ```
    /// use kinglet_wasi::WasiCtx;
    ///
    /// let mut builder = WasiCtx::builder();
    /// builder.envs([("LANG", "C"), ("TZ", "UTC")]);
    /// builder.envs(&[("HOME".to_string(), "/")]);
    /// # drop(builder.build()?);
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn envs<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        variables: impl IntoIterator<Item = impl Borrow<(N, V)>>,
    ) -> &mut Self {
        for variable in variables {
            let (name, value) = variable.borrow();
            self.env(name, value);
        }
        self
    }

    /// Sets the environment variables of the host process. Skips variables that are not UTF-8, and variables whose name
    /// contains `=`.
    pub fn inherit_env(&mut self) -> &mut Self {
        for (name, value) in std::env::vars_os() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
                && !name.contains('=')
            {
                self.env(name, value);
            }
        }
        self
    }

    /// Sets the guest's standard input. The default is [`Stdio::Null`].
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin = stdin.into();
        self
    }

    /// Sets the guest's standard output. The default is [`Stdio::Null`].
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.stdout = stdout.into();
        self
    }

    /// Sets the guest's standard error. The default is [`Stdio::Null`].
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.stderr = stderr.into();
        self
    }

    /// Connects the guest's standard input to that of the host process.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stdin(Stdio::Inherit)
    }

    /// Connects the guest's standard output to that of the host process.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stdout(Stdio::Inherit)
    }

    /// Connects the guest's standard error to that of the host process.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stderr(Stdio::Inherit)
    }

    /// Connects the guest's three standard streams to those of the host process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Opens the host's directory `host_path`, and makes it available to the guest as `guest_path` (often `.` or `/`).
    ///
    /// The guest can access everything below the directory and nothing outside it: absolute paths, and paths that leave
    /// the directory through `..` or a symbolic link, fail with EPERM.
    ///
    /// # Errors
    ///
    /// Returns an error if `host_path` cannot be opened or is not a directory.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl AsRef<str>,
        perms: FsPerms,
    ) -> Result<&mut Self> {
        let host_path = host_path.as_ref();
        let directory = Directory::open_ambient(host_path, perms)
            .with_context(|| format!("cannot open the directory `{}` for the guest", host_path.display()))?;
        self.preopens.push((directory, guest_path.as_ref().to_owned()));
        Ok(self)
    }

    /// Makes the directory in memory `dir` available to the guest as `guest_path`.
    pub fn preopened_memory(&mut self, dir: &MemoryDir, guest_path: impl AsRef<str>, perms: FsPerms) -> &mut Self {
        self.preopens.push((Directory::memory(dir, perms), guest_path.as_ref().to_owned()));
        self
    }

    /// Makes an open TCP socket available to the guest: a [`TcpListener`](std::net::TcpListener), from which the guest
    /// accepts connections, or a [`TcpStream`](std::net::TcpStream). Sets the socket to non-blocking mode.
    ///
    /// The descriptors of sockets follow those of the directories, in the order of the calls. If a guest has one
    /// directory, it is descriptor 3, and the first socket is descriptor 4.
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
    /// Returns an error if the socket cannot be set to non-blocking mode.
    pub fn preopened_socket(&mut self, socket: impl Into<Socket>) -> Result<&mut Self> {
        let socket = socket.into().into_nonblocking().context("cannot set the guest's socket to non-blocking mode")?;
        self.sockets.push(socket);
        Ok(self)
    }

    /// Builds the context, and resets the builder to the defaults.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument, a variable or a directory's name contains a zero byte, if a variable's name is
    /// empty or contains `=`, or if there are more directories and sockets than a guest can have descriptors.
    pub fn build(&mut self) -> Result<WasiCtx> {
        let WasiCtxBuilder { args, environ, stdin, stdout, stderr, preopens, sockets } = std::mem::take(self);
        for text in args.iter().chain(preopens.iter().map(|(_, name)| name)) {
            reject_zero_byte(text)?;
        }
        for (name, value) in &environ {
            reject_zero_byte(name)?;
            reject_zero_byte(value)?;
            if name.is_empty() || name.contains('=') {
                bail!("`{name}` is not a valid name of an environment variable");
            }
        }
        let streams = [
            (stdin, StandardStream::Stdin, Rights::STDIN),
            (stdout, StandardStream::Stdout, Rights::STDOUT),
            (stderr, StandardStream::Stderr, Rights::STDOUT),
        ];
        let streams = streams.map(|(stdio, which, rights)| Descriptor::from_stream(Stream::new(stdio, which), rights));
        let preopens = preopens.into_iter().map(|(directory, name)| Descriptor::from_preopen(directory, name));
        let sockets = sockets.into_iter().map(Descriptor::from_socket);
        let mut table = DescriptorTable::default();
        for descriptor in streams.into_iter().chain(preopens).chain(sockets) {
            if table.insert(descriptor).is_err() {
                bail!("too many directories and sockets for one guest");
            }
        }
        let environ = environ.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(WasiCtx { args, environ, clocks: Clocks::new(), table })
    }

    /// Builds the context like [`build`](WasiCtxBuilder::build), with the signature of Wasmtime's method.
    ///
    /// # Panics
    ///
    /// Panics if `build` returns an error.
    pub fn build_p1(&mut self) -> WasiP1Ctx {
        self.build().unwrap_or_else(|error| panic!("cannot build the WASI context: {error:#}"))
    }
}

fn reject_zero_byte(text: &str) -> Result<()> {
    if text.contains('\0') {
        bail!("{text:?} contains a zero byte");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_a_missing_directory_contains_its_path() {
        let error = WasiCtx::builder().preopened_dir("no/such/directory", ".", FsPerms::ReadOnly).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.starts_with("cannot open the directory `no/such/directory` for the guest: "), "{message}");
    }

    #[test]
    fn a_context_can_move_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<WasiCtx>();
    }

    #[test]
    fn the_last_value_of_a_variable_wins() {
        let ctx = WasiCtx::builder().env("A", "1").env("B", "2").env("A", "3").build().unwrap();
        assert_eq!(ctx.environ, ["B=2", "A=3"]);
    }

    #[test]
    fn zero_bytes_and_invalid_names_of_variables_are_errors() {
        assert!(WasiCtx::builder().arg("a\0b").build().is_err());
        assert!(WasiCtx::builder().env("A=B", "c").build().is_err());
    }

    #[test]
    #[expect(
        clippy::needless_borrows_for_generic_args,
        reason = "Wasmtime takes slices, and so do programs ported from it"
    )]
    fn args_and_envs_accept_owned_and_borrowed_values() {
        let owned = vec!["a".to_string(), "b".to_string()];
        let ctx = WasiCtx::builder().args(&owned).args(&["c", "d"]).args(owned.clone()).build().unwrap();
        assert_eq!(ctx.args, ["a", "b", "c", "d", "a", "b"]);
        let pairs = [("A".to_string(), "1".to_string())];
        let ctx = WasiCtx::builder().envs(&pairs).envs([("B", "2")]).envs(&[("C", "3")]).build().unwrap();
        assert_eq!(ctx.environ, ["A=1", "B=2", "C=3"]);
    }

    #[test]
    fn inherit_args_adds_the_arguments_of_the_process() {
        let ctx = WasiCtxBuilder::new().arg("first").inherit_args().build_p1();
        assert_eq!(ctx.args[0], "first");
        assert!(ctx.args[1..].iter().cloned().eq(std::env::args()));
    }

    #[test]
    fn inherit_env_adds_the_variables_of_the_process() {
        let mut ctx = WasiCtxBuilder::new().env("PATH", "replaced").inherit_env().build_p1();
        let mut variables: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
        variables.sort();
        ctx.environ.sort();
        assert!(!variables.is_empty());
        assert_eq!(ctx.environ, variables);
    }

    #[test]
    #[should_panic(expected = r#""a\0b" contains a zero byte"#)]
    fn build_p1_panics_if_build_fails() {
        WasiCtx::builder().arg("a\0b").build_p1();
    }
}

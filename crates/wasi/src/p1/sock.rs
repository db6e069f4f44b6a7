//! Sockets. A guest has the sockets that its embedder has opened for it, and the connections that it accepts from them.
//! All functions fail with ENOTSOCK for a descriptor that is not a socket.

use super::Call;
use super::table::{Descriptor, Object};
use super::types::{Errno, Result, fdflags, known_flags, riflags, sdflags};
use crate::host::net::Socket;

impl Descriptor {
    fn socket(&self) -> Result<&Socket> {
        match &self.object {
            Object::Socket(socket) => Ok(socket),
            Object::File(_) | Object::Directory(_) | Object::Stream(_) => Err(Errno::NOTSOCK.into()),
        }
    }
}

/// Accepts a connection. The only supported flag is NONBLOCK.
pub(super) fn sock_accept(call: &mut Call<'_>, fd: u32, flags: u32, new_fd: u32) -> Result<()> {
    let flags = known_flags(flags, fdflags::NONBLOCK.into())? as u16;
    // Accepts nothing if the result cannot be returned to the guest.
    call.memory.bytes(new_fd, 4)?;
    call.ctx.table.check_not_full()?;
    let listener = call.ctx.table.get(fd)?;
    let connection = listener.socket()?.accept(listener.nonblock(), call.wait)?;
    let mut descriptor = Descriptor::from_socket(connection);
    descriptor.flags = flags;
    let number = call.ctx.table.insert(descriptor)?;
    call.memory.write_u32(new_fd, number)
}

/// Receives bytes. The flags of the result are always 0, because a stream never truncates data. WAITALL has no effect
/// together with PEEK.
pub(super) fn sock_recv(
    call: &mut Call<'_>,
    fd: u32,
    ri_data: u32,
    ri_data_len: u32,
    ri_flags: u32,
    ro_datalen: u32,
    ro_flags: u32,
) -> Result<()> {
    let flags = known_flags(ri_flags, riflags::ALL)?;
    let peek = flags & riflags::RECV_PEEK != 0;
    let wait_all = flags & riflags::RECV_WAITALL != 0 && !peek;
    let iovecs = call.memory.iovecs(ri_data, ri_data_len)?;
    call.memory.bytes(ro_datalen, 4)?;
    call.memory.bytes(ro_flags, 2)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let socket = descriptor.socket()?;
    let count = call.memory.scatter(&iovecs, |parts| match wait_all {
        true => socket.receive_all(parts, nonblock, wait),
        false => socket.receive(parts, peek, nonblock, wait),
    })?;
    call.memory.write(ro_flags, &0u16.to_le_bytes())?;
    call.memory.write_size(ro_datalen, count)
}

/// Sends bytes. Fails with EINVAL if a flag is set, because there are none.
pub(super) fn sock_send(
    call: &mut Call<'_>,
    fd: u32,
    si_data: u32,
    si_data_len: u32,
    si_flags: u32,
    so_datalen: u32,
) -> Result<()> {
    known_flags(si_flags, 0)?;
    let iovecs = call.memory.iovecs(si_data, si_data_len)?;
    call.memory.bytes(so_datalen, 4)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let socket = descriptor.socket()?;
    let count = call.memory.gather(&iovecs, |parts| socket.send(parts, nonblock, wait))?;
    call.memory.write_size(so_datalen, count)
}

/// Shuts down receiving, sending or both. Fails with EINVAL if `how` selects neither.
pub(super) fn sock_shutdown(call: &mut Call<'_>, fd: u32, how: u32) -> Result<()> {
    let how = known_flags(how, sdflags::ALL)?;
    let socket = call.ctx.table.get(fd)?.socket()?;
    Ok(socket.shutdown(how & sdflags::RD != 0, how & sdflags::WR != 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::p1::fd::{fd_fdstat_get, fd_fdstat_set_flags, fd_read, fd_write};
    use crate::p1::types::{CallError, Rights};
    use crate::tests::{AlwaysInterrupted, BUFFER, Guest, OUT, fails};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn listening() -> (Guest, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut builder = WasiCtx::builder();
        (Guest::new(builder.preopened_socket(listener).unwrap().build().unwrap()), client)
    }

    fn connected() -> (Guest, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut builder = WasiCtx::builder();
        (Guest::new(builder.preopened_socket(stream).unwrap().build().unwrap()), client)
    }

    impl Guest {
        fn accept(&mut self, fd: u32, flags: u32) -> Result<u32> {
            self.call(|call| sock_accept(call, fd, flags, OUT))?;
            Ok(self.read_u32(OUT))
        }

        fn receive(&mut self, fd: u32, len: u32, flags: u32) -> Result<Vec<u8>> {
            let iovec = self.write_iovec(len);
            self.call(|call| sock_recv(call, fd, iovec, 1, flags, OUT, 8))?;
            assert_eq!(self.memory[8..10], [0, 0]);
            let count = self.read_u32(OUT);
            Ok(self.buffer(count).to_vec())
        }

        fn send(&mut self, fd: u32, text: &str, flags: u32) -> Result<u32> {
            let (_, len) = self.write_text(BUFFER, text);
            let iovec = self.write_iovec(len);
            self.call(|call| sock_send(call, fd, iovec, 1, flags, OUT))?;
            Ok(self.read_u32(OUT))
        }
    }

    #[test]
    fn a_guest_serves_a_connection_of_its_listener() {
        let (mut guest, mut client) = listening();
        let connection = guest.accept(3, 0).unwrap();
        assert_eq!(connection, 4);
        client.write_all(b"ping").unwrap();
        assert_eq!(guest.receive(connection, 100, riflags::RECV_PEEK), Ok(b"ping".to_vec()));
        assert_eq!(guest.receive(connection, 100, 0), Ok(b"ping".to_vec()));
        assert_eq!(guest.send(connection, "pong", 0), Ok(4));
        guest.call(|call| sock_shutdown(call, connection, sdflags::WR)).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "pong");
        client.write_all(b"more").unwrap();
        drop(client);
        assert_eq!(guest.receive(connection, 100, riflags::RECV_WAITALL), Ok(b"more".to_vec()));
        assert_eq!(guest.receive(connection, 100, 0), Ok(Vec::new()), "the end");
    }

    #[test]
    fn fd_read_and_fd_write_work_on_a_connection() {
        let (mut guest, mut client) = connected();
        client.write_all(b"abc").unwrap();
        let iovec = guest.write_iovec(3);
        guest.call(|call| fd_read(call, 3, iovec, 1, OUT)).unwrap();
        assert_eq!((guest.read_u32(OUT), guest.buffer(3)), (3, &b"abc"[..]));
        guest.call(|call| fd_write(call, 3, iovec, 1, OUT)).unwrap();
        let mut echo = [0; 3];
        client.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, b"abc");
        guest.call(|call| fd_fdstat_get(call, 3, OUT)).unwrap();
        assert_eq!((guest.memory[0], guest.read_u64(8)), (6, Rights::CONNECTION.0));
    }

    #[test]
    fn waitall_waits_for_all_bytes() {
        let (mut guest, mut client) = connected();
        let thread = std::thread::spawn(move || {
            for byte in *b"slowly" {
                client.write_all(&[byte]).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            client
        });
        assert_eq!(guest.receive(3, 6, riflags::RECV_WAITALL), Ok(b"slowly".to_vec()));
        drop(thread.join().unwrap());
    }

    #[test]
    fn a_call_that_would_block_is_interruptible_and_fails_with_nonblock() {
        let (mut guest, client) = connected();
        let iovec = guest.write_iovec(1);
        let receive = |call: &mut Call<'_>| sock_recv(call, 3, iovec, 1, 0, OUT, 8);
        assert_eq!(guest.call_with(&AlwaysInterrupted, receive), Err(CallError::Interrupted));
        guest.call(|call| fd_fdstat_set_flags(call, 3, fdflags::NONBLOCK.into())).unwrap();
        assert_eq!(guest.call(receive), fails(Errno::AGAIN));
        drop(client);

        let (mut guest, _client) = listening();
        guest.accept(3, 0).unwrap();
        assert_eq!(
            guest.call_with(&AlwaysInterrupted, |call| sock_accept(call, 3, 0, OUT)),
            Err(CallError::Interrupted)
        );
        guest.call(|call| fd_fdstat_set_flags(call, 3, fdflags::NONBLOCK.into())).unwrap();
        assert_eq!(guest.accept(3, 0), Err(Errno::AGAIN.into()));
    }

    #[test]
    fn sock_accept_sets_nonblock_on_the_connection() {
        let (mut guest, _client) = listening();
        let connection = guest.accept(3, fdflags::NONBLOCK.into()).unwrap();
        assert_eq!(guest.receive(connection, 1, 0), Err(Errno::AGAIN.into()));
    }

    #[test]
    fn invalid_calls_on_a_socket_fail() {
        let (mut guest, _client) = listening();
        assert_eq!(guest.accept(3, fdflags::APPEND.into()), Err(Errno::INVAL.into()));
        assert_eq!(guest.receive(3, 1, 0), Err(Errno::NOTCONN.into()));
        assert_eq!(guest.send(3, "x", 0), Err(Errno::NOTCONN.into()));
        let accepted = guest.call(|call| sock_accept(call, 3, 0, 65534));
        assert_eq!(accepted, fails(Errno::FAULT), "the connection stays in the queue");
        let connection = guest.accept(3, 0).unwrap();
        assert_eq!(guest.accept(connection, 0), Err(Errno::INVAL.into()));
        assert_eq!(guest.receive(connection, 1, 4), Err(Errno::INVAL.into()));
        assert_eq!(guest.send(connection, "x", 1), Err(Errno::INVAL.into()));
        assert_eq!(guest.call(|call| sock_shutdown(call, connection, 0)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| sock_shutdown(call, connection, 4)), fails(Errno::INVAL));
        assert_eq!(guest.accept(0, 0), Err(Errno::NOTSOCK.into()));
        assert_eq!(guest.accept(77, 0), Err(Errno::BADF.into()));
    }
}

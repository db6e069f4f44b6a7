//! Sockets. None is ever handed to a guest of preview 1, so no descriptor is one: ENOTSOCK for an open descriptor and
//! EBADF for any other.

use super::Call;
use super::types::{Errno, Result};

fn not_a_socket(call: &Call<'_>, fd: u32) -> Result<()> {
    call.ctx.table.get(fd)?;
    Err(Errno::NOTSOCK.into())
}

pub(super) fn sock_accept(call: &mut Call<'_>, fd: u32, _flags: u32, _new_fd: u32) -> Result<()> {
    not_a_socket(call, fd)
}

pub(super) fn sock_recv(
    call: &mut Call<'_>,
    fd: u32,
    _ri_data: u32,
    _ri_data_len: u32,
    _ri_flags: u32,
    _ro_datalen: u32,
    _ro_flags: u32,
) -> Result<()> {
    not_a_socket(call, fd)
}

pub(super) fn sock_send(
    call: &mut Call<'_>,
    fd: u32,
    _si_data: u32,
    _si_data_len: u32,
    _si_flags: u32,
    _so_datalen: u32,
) -> Result<()> {
    not_a_socket(call, fd)
}

pub(super) fn sock_shutdown(call: &mut Call<'_>, fd: u32, _how: u32) -> Result<()> {
    not_a_socket(call, fd)
}

//! TCP among a command's own programs, where there is no namespace for the network.
//!
//! They share the machine's loopback with everybody, so two rules keep others out. Whom they connect to is looked at here: every
//! listener on the port must be one that was bound at the door. Who connects to them the kernel looks at: a listener answers
//! none but connections that are signed with a key (RFC 2385, which tcp(7) has for routers), and only the keeper knows the key.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::sys::{self, SigningKey};

/// The command's own part of the loopback.
#[derive(Default)]
pub struct Loopback {
    /// Made when it is first needed.
    key: Option<SigningKey>,
    /// Sockets that were bound at the door, by their inodes.
    bound: HashSet<u64>,
}

impl Loopback {
    /// Binds a socket that only the command's own programs can connect to.
    pub fn bind(&mut self, socket: &OwnedFd, to: SocketAddr, address: &[u8]) -> Result<(), Errno> {
        let ip = to.ip();
        if !ip.is_ipv4() || !(ip.is_loopback() || ip.is_unspecified()) {
            return Err(Errno::ADDRNOTAVAIL);
        }
        self.sign(socket)?;
        sys::with_address(socket.as_fd(), address, true)?;
        self.bound.insert(fstat(socket)?.st_ino);
        Ok(())
    }

    /// Has a socket take and make none but the command's own connections.
    pub fn sign(&mut self, socket: &OwnedFd) -> Result<(), Errno> {
        let key = match self.key {
            Some(key) => key,
            None => {
                let mut key = SigningKey::default();
                getrandom(&mut key, GetRandomFlags::empty())?;
                *self.key.insert(key)
            }
        };
        sys::sign(socket.as_fd(), &key)
    }

    pub fn is_bound(&self, inode: u64) -> bool {
        self.bound.contains(&inode)
    }

    /// Who listens there; `None` is nobody.
    pub fn listener(&self, to: SocketAddr) -> Option<Listener> {
        if !to.ip().to_canonical().is_loopback() {
            return Some(Listener::Others);
        }
        let inodes = ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|list| {
            let list = fs::read_to_string(list).unwrap_or_default();
            listeners(&list, to.port())
        });
        // Several may share a port: socket(7), SO_REUSEPORT.
        let mut owns = inodes.iter().flatten().map(|inode| self.is_bound(*inode));
        let first = owns.next()?;
        Some(match first && owns.all(|is_own| is_own) {
            true => Listener::Own,
            false => Listener::Others,
        })
    }
}

/// Who listens on a port.
pub enum Listener {
    /// The command's own programs alone.
    Own,
    Others,
}

/// The inodes of those that listen on a port, in a list of proc_pid_net(5).
fn listeners(list: &str, port: u16) -> Vec<u64> {
    const LISTENS: &str = "0A";
    let rows = list
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_port = rows.filter(|row| {
        let here = row.get(1).and_then(|local| local.rsplit_once(':'));
        here.is_some_and(|(_, here)| u16::from_str_radix(here, 16) == Ok(port))
            && row.get(3) == Some(&LISTENS)
    });
    of_port.filter_map(|row| row.get(9)?.parse().ok()).collect()
}

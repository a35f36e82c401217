//! TCP among a command's own programs, by IPv4 and IPv6, where there is no namespace for the network.
//!
//! They share the machine's loopback with everybody, so two rules keep others out. Whom they connect to is looked at here: every
//! listener on the port must be one that was bound at the door. Who connects to them the kernel looks at: a listener answers
//! none but connections that are signed with a key (RFC 2385, which tcp(7) has for routers), and only the keeper knows the key.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::sockopt::{ipv6_v6only, socket_domain};
use rustix::rand::{GetRandomFlags, getrandom};

use super::sys::{self, SigningKey};

/// The command's own part of the loopback.
#[derive(Default)]
pub struct Loopback {
    /// Made when it is first needed.
    key: Option<SigningKey>,
    /// Sockets that were bound at the door, by their inodes: whether they take IPv6 alone.
    bound: HashMap<u64, bool>,
    /// Sockets that can't be had and are to take IPv6 alone.
    alone: HashSet<u64>,
}

impl Loopback {
    /// Binds a socket that only the command's own programs can connect to.
    pub fn bind(&mut self, socket: &OwnedFd, to: SocketAddr, address: &[u8]) -> Result<(), Errno> {
        let ip = to.ip().to_canonical();
        if !ip.is_loopback() && !ip.is_unspecified() {
            return Err(Errno::ADDRNOTAVAIL);
        }
        self.sign(socket)?;
        sys::with_address(socket.as_fd(), address, true)?;
        // Once it is bound this stays as it is: ipv6(7).
        let takes_one = ipv6_v6only(socket).unwrap_or(false);
        self.bound.insert(fstat(socket)?.st_ino, takes_one);
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
        let ipv4 = Ipv4Addr::UNSPECIFIED;
        let everybody: &[IpAddr] = match socket_domain(socket)? {
            AddressFamily::INET => &[ipv4.into()],
            _ => &[Ipv6Addr::UNSPECIFIED.into(), ipv4.to_ipv6_mapped().into()],
        };
        let mut senders = everybody.iter();
        senders.try_for_each(|everybody| sys::sign(socket.as_fd(), *everybody, &key))
    }

    /// Notes it for the socket that takes this one's place.
    pub fn take_ipv6_alone(&mut self, inode: u64, is_alone: bool) {
        match is_alone {
            true => self.alone.insert(inode),
            false => self.alone.remove(&inode),
        };
    }

    pub fn takes_ipv6_alone(&self, inode: u64) -> bool {
        self.alone.contains(&inode)
    }

    pub fn is_bound(&self, inode: u64) -> bool {
        self.bound.contains_key(&inode)
    }

    /// Who listens there; `None` is nobody.
    pub fn listener(&self, to: SocketAddr) -> Option<Listener> {
        let ip = to.ip().to_canonical();
        if !ip.is_loopback() {
            return Some(Listener::Others);
        }
        // Several may share a port: socket(7), SO_REUSEPORT.
        let mut takes = false;
        for list in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
            let list = fs::read_to_string(list).unwrap_or_default();
            for (at, inode) in listeners(&list, to.port()) {
                let Some(ipv6_alone) = self.bound.get(&inode) else {
                    return Some(Listener::Others);
                };
                let is_any = at.is_unspecified()
                    && (at.is_ipv4() == ip.is_ipv4() || at.is_ipv6() && !ipv6_alone);
                takes |= at == ip || is_any;
            }
        }
        // Where nobody takes it, the kernel's own refusal would not be signed, and so not be heard.
        takes.then_some(Listener::Own)
    }
}

/// Who listens on a port.
pub enum Listener {
    /// The command's own programs alone.
    Own,
    Others,
}

/// Those that listen on a port: where, and their inodes, in a list of proc_pid_net(5).
fn listeners(list: &str, port: u16) -> impl Iterator<Item = (IpAddr, u64)> {
    const LISTENS: &str = "0A";
    let rows = list.lines().skip(1);
    rows.filter_map(move |row| {
        let row: Vec<&str> = row.split_whitespace().collect();
        let (ip, here) = row.get(1)?.split_once(':')?;
        let is_it = u16::from_str_radix(here, 16) == Ok(port) && row.get(3) == Some(&LISTENS);
        is_it.then_some((address(ip)?, row.get(9)?.parse().ok()?))
    })
}

/// An address as such a list has it: words of the machine's own byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = hex.get(at..at + 8)?;
        let word = u32::from_str_radix(digits, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = match hex.len() {
        8 => IpAddr::from(word(0)?),
        _ => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            IpAddr::from(<[u8; 16]>::try_from(words.concat()).ok()?)
        }
    };
    Some(ip.to_canonical())
}

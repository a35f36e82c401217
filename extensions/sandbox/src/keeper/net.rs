//! Calls at the door that have to do with sockets, processes and signals.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, socket_domain};
use rustix::net::{AddressFamily, SocketType};

use super::door::{Answered, Call, Door};
use super::filter::{IOPRIO_WHO_USER, PRIO_USER};
use super::loopback::Listener;
use super::place::{Found, Place, kind, locate, look, path_of, through};
use super::sys::{self, Answer};
use crate::borders::Change;
use crate::policy::Network;

/// The longest address there is: struct sockaddr_storage.
const LONGEST: u64 = 128;

/// How many may wait to be accepted, where it can't be seen how many the program wants: SOMAXCONN of the kernel.
const BACKLOG: i32 = 4096;

/// Unix sockets in shared folders at a time, each of which takes the keeper a descriptor; no more can be connected to.
const MOST_BOUND: usize = 1000;

/// An address as the kernel takes it.
struct Address {
    bytes: Vec<u8>,
}

impl Address {
    fn of(call: &Call) -> Result<Address, Errno> {
        let length = call.args[2] as u32 as u64;
        if !(2..=LONGEST).contains(&length) {
            return Err(Errno::INVAL);
        }
        let bytes = call.task.bytes(call.args[1], length as usize)?;
        Ok(Address { bytes })
    }

    fn family(&self) -> i32 {
        i32::from(self.kind().as_raw())
    }

    fn kind(&self) -> AddressFamily {
        AddressFamily::from_raw(u16::from_ne_bytes([self.bytes[0], self.bytes[1]]))
    }

    /// The file of a Unix socket; empty for one without a name, `None` for an abstract one: unix(7).
    fn path(&self) -> Option<&[u8]> {
        let path = &self.bytes[2..];
        match path.first() {
            None => Some(path),
            Some(0) => None,
            Some(_) => path.split(|byte| *byte == 0).next(),
        }
    }

    /// Host and port on the internet: ip(7), ipv6(7).
    fn internet(&self) -> Option<SocketAddr> {
        let part = |from: usize, to: usize| self.bytes.get(from..to);
        let port = u16::from_be_bytes(part(2, 4)?.try_into().ok()?);
        match self.family() {
            libc::AF_INET => {
                let host: [u8; 4] = part(4, 8)?.try_into().ok()?;
                Some((host, port).into())
            }
            libc::AF_INET6 => {
                let host: [u8; 16] = part(8, 24)?.try_into().ok()?;
                Some((host, port).into())
            }
            _ => None,
        }
    }
}

/// A socket of the command.
enum Socket {
    /// The same socket, whatever its number stands for in the command from now on.
    Same(OwnedFd),
    /// Plain containers give no descriptors away. Another Unix socket can be put in its place there.
    Unix(Unreached),
    /// Any other socket there, for which there is one kind: streams.
    Other(Unreached),
}

/// A socket that can't be had, only looked at: proc_pid_fd(5), and the list in proc_pid_net(5).
struct Unreached {
    number: i32,
    inode: u64,
    kind: SocketType,
    flags: OFlags,
}

impl Socket {
    fn of(call: &Call) -> Result<Socket, Errno> {
        match call.task.same(call.int(0)) {
            Err(Errno::PERM) => Socket::seen(call),
            same => same.map(Socket::Same),
        }
    }

    fn seen(call: &Call) -> Result<Socket, Errno> {
        let (thread, number) = (call.task.thread, call.int(0));
        let link =
            std::fs::read_link(format!("/proc/{thread}/fd/{number}")).map_err(|_| Errno::BADF)?;
        let link = link.to_string_lossy().into_owned();
        let inode = link
            .strip_prefix("socket:[")
            .and_then(|link| link.strip_suffix(']'));
        let inode = inode.ok_or(Errno::NOTSOCK)?;
        let list = std::fs::read_to_string(format!("/proc/{thread}/net/unix"))
            .map_err(|_| Errno::ACCESS)?;
        let mut rows = list
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.get(6) == Some(&inode));
        let info = std::fs::read_to_string(format!("/proc/{thread}/fdinfo/{number}"))
            .map_err(|_| Errno::BADF)?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        let flags = OFlags::from_bits_retain(flags.ok_or(Errno::ACCESS)?);
        let unreached = |kind| Unreached {
            number,
            inode: inode.parse().unwrap_or(0),
            kind,
            flags,
        };
        let Some(row) = row else {
            return Ok(Socket::Other(unreached(SocketType::STREAM)));
        };
        let kind = u32::from_str_radix(row[4], 16).map_err(|_| Errno::ACCESS)?;
        Ok(Socket::Unix(unreached(SocketType::from_raw(kind))))
    }

    fn domain(&self) -> Result<AddressFamily, Errno> {
        match self {
            Socket::Same(socket) => socket_domain(socket),
            Socket::Unix(_) => Ok(AddressFamily::UNIX),
            Socket::Other(_) => Ok(AddressFamily::INET),
        }
    }
}

impl Unreached {
    /// A new socket of this kind, connected or bound; with [`Unreached::replaced`] it takes the old one's place.
    fn anew(&self, address: &[u8], binds: bool) -> Result<OwnedFd, Errno> {
        let family = u16::from_ne_bytes([address[0], address[1]]);
        let family = AddressFamily::from_raw(family);
        let mut socket = self.unnamed(family)?;
        // What would be under way for a while could not be told apart from what failed.
        if family == AddressFamily::UNIX {
            socket = self.as_it_was(socket)?;
        }
        sys::with_address(socket.as_fd(), address, binds)?;
        self.as_it_was(socket)
    }

    fn unnamed(&self, family: AddressFamily) -> Result<OwnedFd, Errno> {
        rustix::net::socket(family, self.kind, None)
    }

    fn as_it_was(&self, socket: OwnedFd) -> Result<OwnedFd, Errno> {
        rustix::fs::fcntl_setfl(&socket, self.flags & OFlags::NONBLOCK)?;
        Ok(socket)
    }

    fn replaced(&self, socket: OwnedFd) -> Answer {
        Answer::Instead(socket, self.number, self.flags.contains(OFlags::CLOEXEC))
    }
}

impl Door {
    /// Only where there is no namespace for the network: streams alone, for whom they connect is seen at the door.
    pub fn socket(&mut self, call: &Call) -> Answered {
        let is_stream =
            call.int(1) & 0xf == libc::SOCK_STREAM && matches!(call.int(2), 0 | libc::IPPROTO_TCP);
        if is_stream {
            return Ok(Answer::Continue);
        }
        let rule = self.rule();
        self.note.refuse_plain(
            format!("a socket for the internet was refused: {rule}"),
            true,
        );
        Err(Errno::ACCESS)
    }

    /// Whether a socket takes IPv6 alone. Of one that can't be had it is kept for the one that takes its place.
    pub fn take_ipv6_alone(&mut self, call: &Call) -> Answered {
        let value = call.task.bytes(call.args[3], size_of::<i32>())?;
        let is_alone = value.iter().any(|byte| *byte != 0);
        let socket = Socket::of(call)?;
        self.still_waits(call)?;
        match socket {
            Socket::Same(socket) => set_ipv6_v6only(&socket, is_alone)?,
            Socket::Unix(_) => return Err(Errno::NOPROTOOPT),
            Socket::Other(unreached) => self.loopback.take_ipv6_alone(unreached.inode, is_alone),
        }
        Ok(Answer::Value(0))
    }

    pub fn connect(&mut self, call: &Call) -> Result<Option<Answer>, Errno> {
        let mut address = Address::of(call)?;
        let socket = Socket::of(call)?;
        self.still_waits(call)?;
        let internet = address.internet().map(meant);
        // Held until the connection stands, for the address goes through it.
        let mut listening = None;
        match (socket.domain()?, internet) {
            (AddressFamily::UNIX, _) if address.family() == libc::AF_UNIX => match address.path() {
                Some(path) => {
                    let object = self.unix_socket(call, path)?;
                    let path = through(object.as_fd());
                    address.bytes = [&address.bytes[..2], path.as_bytes(), &[0]].concat();
                    listening = Some(object);
                }
                None => self.may_reach_abstract()?,
            },
            (AddressFamily::INET | AddressFamily::INET6, Some(to)) => {
                let listener = match self.held.internet {
                    true => self.loopback.listener(to),
                    false => Some(Listener::Others),
                };
                match listener {
                    Some(Listener::Own) => return self.connect_within(call, socket, address),
                    Some(Listener::Others) => self.may_reach(to)?,
                    // It may be there soon.
                    None => return Err(Errno::CONNREFUSED),
                }
            }
            _ => {}
        }
        match socket {
            Socket::Other(_) if self.proxy.is_none() => match self.held.internet {
                true => Err(Errno::ACCESS),
                false => Ok(Some(Answer::Continue)),
            },
            // The proxy is reached from before the command's own wall.
            socket => self.finish_connecting(call, socket, address, listening),
        }
    }

    /// Whether it waits for what is at the other end is the command's to change at any moment.
    fn finish_connecting(
        &mut self,
        call: &Call,
        socket: Socket,
        address: Address,
        listening: Option<OwnedFd>,
    ) -> Result<Option<Answer>, Errno> {
        self.later(call, move || {
            let connected = match socket {
                Socket::Same(socket) => sys::with_address(socket.as_fd(), &address.bytes, false),
                Socket::Unix(unreached) | Socket::Other(unreached) => {
                    let socket = unreached.anew(&address.bytes, false)?;
                    Ok(unreached.replaced(socket))
                }
            };
            drop(listening);
            connected
        })
    }

    /// To a program of the same command, where there is no namespace for the network.
    fn connect_within(
        &mut self,
        call: &Call,
        socket: Socket,
        address: Address,
    ) -> Result<Option<Answer>, Errno> {
        match socket {
            Socket::Same(socket) => {
                self.loopback.sign(&socket)?;
                self.finish_connecting(call, Socket::Same(socket), address, None)
            }
            Socket::Unix(unreached) | Socket::Other(unreached) => {
                let socket = unreached.unnamed(address.kind())?;
                self.loopback.sign(&socket)?;
                self.later(call, move || {
                    sys::with_address(socket.as_fd(), &address.bytes, false)?;
                    Ok(unreached.replaced(unreached.as_it_was(socket)?))
                })
            }
        }
    }

    /// Abstract names belong to a namespace for the network: unix(7).
    fn may_reach_abstract(&mut self) -> Result<(), Errno> {
        if self.is_alone_on_network() {
            return Ok(());
        }
        let line = "connecting to an abstract socket was refused".to_string();
        self.note.refuse_plain(line, true);
        // As where nobody listens: whoever knows the socket's file too, such as an X client, tries that then.
        Err(Errno::CONNREFUSED)
    }

    /// Whether there is nobody on this network but the command's own programs.
    fn is_alone_on_network(&self) -> bool {
        !self.held.internet && self.network != Network::All
    }

    /// The file of a socket that may be connected to: one in a place where the command could have made it.
    fn unix_socket(&mut self, call: &Call, path: &[u8]) -> Result<OwnedFd, Errno> {
        let found = locate(&call.task, libc::AT_FDCWD, path, true)?;
        self.still_waits(call)?;
        let object = match found {
            Found::Object(object) => object,
            Found::Name(place) => look(&place.folder, &place.name)?,
        };
        let path: PathBuf = path_of(&object)?;
        if self.borders.judge(&path, Change::Write).is_err() {
            let rule = "only sockets within the work can be reached";
            self.note.refuse("connecting to", &path, rule, true);
            return Err(Errno::ACCESS);
        }
        // A folder that the command made may have a name that others look for, and bind in.
        if self.borders.is_shared(&path) && !self.has_bound(&object)? {
            let rule = "in this folder only sockets of this command can be reached";
            self.note.refuse("connecting to", &path, rule, true);
            return Err(Errno::ACCESS);
        }
        Ok(object)
    }

    fn has_bound(&self, object: &OwnedFd) -> Result<bool, Errno> {
        let stat = fstat(object)?;
        let is_this = |bound: &OwnedFd| {
            fstat(bound)
                .is_ok_and(|bound| (bound.st_dev, bound.st_ino) == (stat.st_dev, stat.st_ino))
        };
        Ok(kind(&stat) != FileType::Socket || self.bound.iter().any(is_this))
    }

    /// Holds a socket that was just bound, as long as it has a name.
    fn hold_bound(&mut self, place: &Place) {
        self.bound
            .retain(|bound| fstat(bound).is_ok_and(|stat| stat.st_nlink > 0));
        if self.bound.len() < MOST_BOUND {
            self.bound.extend(look(&place.folder, &place.name));
        }
    }

    fn may_reach(&mut self, to: SocketAddr) -> Result<(), Errno> {
        let is_proxy =
            to.ip().to_canonical() == Ipv4Addr::LOCALHOST && Some(to.port()) == self.proxy;
        let is_own = self.is_alone_on_network() && to.ip().to_canonical().is_loopback();
        if self.network == Network::All || is_proxy || is_own {
            return Ok(());
        }
        let rule = self.rule();
        let line = match to.port() {
            53 => format!("looking up a host's name was refused: {rule}"),
            _ => format!("connecting to {to} was refused: {rule}"),
        };
        self.note.refuse_plain(line, false);
        Err(Errno::NETUNREACH)
    }

    fn rule(&self) -> &'static str {
        match self.network {
            Network::Hosts(_) => {
                "only the hosts that the user chose are reached, through the proxy in $https_proxy"
            }
            _ => "commands have no network (the user can allow hosts: --allow-net)",
        }
    }

    pub fn bind(&mut self, call: &Call) -> Answered {
        let address = Address::of(call)?;
        let socket = Socket::of(call)?;
        self.still_waits(call)?;
        match socket.domain()? {
            AddressFamily::UNIX => self.bind_unix(call, &address, socket),
            AddressFamily::INET | AddressFamily::INET6 if self.held.internet => {
                self.bind_within(&address, socket)
            }
            _ => match socket {
                Socket::Same(socket) => sys::with_address(socket.as_fd(), &address.bytes, true),
                _ => Ok(Answer::Continue),
            },
        }
    }

    fn bind_within(&mut self, address: &Address, socket: Socket) -> Answered {
        let to = address.internet().ok_or(Errno::ACCESS)?;
        match socket {
            Socket::Same(socket) => {
                self.loopback.bind(&socket, to, &address.bytes)?;
                Ok(Answer::Value(0))
            }
            Socket::Unix(unreached) | Socket::Other(unreached) => {
                let socket = unreached.unnamed(address.kind())?;
                sys::reuse_address(socket.as_fd())?;
                if self.loopback.takes_ipv6_alone(unreached.inode) {
                    set_ipv6_v6only(&socket, true)?;
                }
                self.loopback.bind(&socket, to, &address.bytes)?;
                rustix::net::listen(&socket, BACKLOG)?;
                Ok(unreached.replaced(unreached.as_it_was(socket)?))
            }
        }
    }

    fn bind_unix(&mut self, call: &Call, address: &Address, socket: Socket) -> Answered {
        let Some(path) = address.path().filter(|path| !path.is_empty()) else {
            return match socket {
                Socket::Same(socket) => sys::with_address(socket.as_fd(), &address.bytes, true),
                _ => Err(Errno::ACCESS),
            };
        };
        let place = match locate(&call.task, libc::AT_FDCWD, path, true)? {
            Found::Name(place) if place.there.is_none() => place,
            _ => return Err(Errno::ADDRINUSE),
        };
        self.still_waits(call)?;
        self.may(&place.path, Change::Make)?;
        // Whoever asks the socket for its name later gets the one that was given, which begins where the command is.
        rustix::process::fchdir(call.task.folder(libc::AT_FDCWD)?)?;
        let bound = address.bytes.clone();
        // Only for its mask: bind(2) takes no mode.
        call.task.mode(0o777);
        let answer = match socket {
            Socket::Same(socket) => sys::with_address(socket.as_fd(), &bound, true)?,
            Socket::Unix(unreached) => {
                let socket = unreached.anew(&bound, true)?;
                rustix::net::listen(&socket, BACKLOG)?;
                unreached.replaced(socket)
            }
            Socket::Other(_) => return Err(Errno::INVAL),
        };
        self.borders.note(&place.path);
        if self.borders.is_shared(&place.path) {
            self.hold_bound(&place);
        }
        Ok(answer)
    }

    /// Only where there is no namespace for the network: nobody is to come in from outside.
    pub fn listen(&mut self, call: &Call) -> Answered {
        let socket = Socket::of(call)?;
        let is_unix = socket.domain()? == AddressFamily::UNIX;
        match socket {
            Socket::Same(socket) if is_unix || self.loopback.is_bound(fstat(&socket)?.st_ino) => {
                rustix::net::listen(&socket, call.int(1)).map(|()| Answer::Value(0))
            }
            // They have listened since they were bound, for by now the number might stand for another.
            Socket::Unix(_) => Ok(Answer::Value(0)),
            Socket::Other(unreached) if self.loopback.is_bound(unreached.inode) => {
                Ok(Answer::Value(0))
            }
            _ => Err(Errno::ACCESS),
        }
    }

    /// A process or thread is to be started.
    pub fn start(&mut self) -> Answered {
        if self.processes.admits() {
            return Ok(Answer::Continue);
        }
        let most = self.processes.most;
        let line = format!(
            "starting another process was refused: at most {most} processes and threads run at a time"
        );
        self.note.refuse_plain(line, false);
        Err(Errno::AGAIN)
    }

    /// What is done to processes by number is done to the command's own, not to the keeper, nor where no wall keeps it in.
    pub fn touch(&mut self, call: &Call) -> Answered {
        let target = match call.number {
            libc::SYS_pidfd_send_signal => pid_of(call)?,
            libc::SYS_setpriority | libc::SYS_ioprio_set => call.int(1),
            _ => call.int(0),
        };
        let is_thread = |target: i32| -> Result<bool, Errno> {
            let path = format!("/proc/{}/task/{target}", call.task.process()?);
            Ok(std::path::Path::new(&path).exists())
        };
        let names_user = match call.number {
            libc::SYS_setpriority => call.int(0) == PRIO_USER,
            libc::SYS_ioprio_set => call.int(0) == IOPRIO_WHO_USER,
            _ => false,
        };
        let may = match target {
            _ if names_user => false,
            0 => true,
            -1 => false,
            target => is_thread(target)? || self.processes.owns(target),
        };
        match may {
            true => Ok(Answer::Continue),
            false => Err(Errno::PERM),
        }
    }
}

/// Whom one connects to at this address: an unspecified one is this machine itself.
fn meant(to: SocketAddr) -> SocketAddr {
    let ip = match to.ip().to_canonical() {
        ip if !ip.is_unspecified() => to.ip(),
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    (ip, to.port()).into()
}

/// The process that a descriptor of the command stands for: pidfd_open(2).
fn pid_of(call: &Call) -> Result<i32, Errno> {
    let info = format!("/proc/{}/fdinfo/{}", call.task.thread, call.int(0));
    let info = std::fs::read_to_string(info).map_err(|_| Errno::BADF)?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    pid.and_then(|pid| pid.trim().parse().ok())
        .ok_or(Errno::BADF)
}

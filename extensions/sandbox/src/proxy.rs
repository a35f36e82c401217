//! Lets commands reach chosen hosts, by plain HTTP and by whatever a CONNECT tunnel carries.
//!
//! The idea: the walls leave a command one way out, this proxy. Each connection asks for one
//! host, and its bytes are relayed once the list of [`Hosts`] names it.
//! The invariant: what is connected to is an address that was judged itself, so neither a name
//! that points into the local network nor a second look-up leads elsewhere. No input panics.
//! Left out: TLS is not looked into, so a tunnel may ask a listed host's server for another
//! host's pages. A connection carries one request; WebSockets need a tunnel. The machine's own
//! public addresses are not told from others, and proxies further up are not asked.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Connections at a time.
pub const CONNECTIONS: usize = 64;
/// Bytes in a request's head.
pub const HEAD_LIMIT: usize = 64 << 10;
/// Fields in a request's head.
const FIELDS: usize = 128;
/// How long a connection waits for another one to end.
const SLOT_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves the connections that come in on `listener` until the process ends.
///
/// Each has a thread, [`CONNECTIONS`] at a time; the next one waits for 10 s and is then answered
/// with 503. `refused` is called on their threads, before the client hears of it.
///
/// # Errors
///
/// When there can't be a thread that accepts connections.
pub fn serve(
    listener: TcpListener,
    hosts: Hosts,
    refused: impl Fn(&Refusal) + Send + Sync + 'static,
) -> io::Result<JoinHandle<()>> {
    let proxy = Arc::new(Proxy { hosts, refused });
    let thread = thread::Builder::new().name("proxy".to_owned());
    thread.spawn(move || accept(&listener, &proxy))
}

struct Proxy<F> {
    hosts: Hosts,
    refused: F,
}

fn accept<F>(listener: &TcpListener, proxy: &Arc<Proxy<F>>)
where
    F: Fn(&Refusal) + Send + Sync + 'static,
{
    let (sender, free) = mpsc::channel();
    // A slot that is dropped is free.
    (0..CONNECTIONS).for_each(|_| drop(Slot(sender.clone())));
    loop {
        let Ok((client, _)) = listener.accept() else {
            // There may be no file descriptor left; asking at once would only keep busy.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if free.recv_timeout(SLOT_TIMEOUT).is_err() {
            let words = format!("The sandbox's proxy serves {CONNECTIONS} connections at a time.");
            Answer::new("503 Service Unavailable", words).send(&client);
            continue;
        }
        let slot = Slot(sender.clone());
        let proxy = Arc::clone(proxy);
        // Without a thread the connection is closed, and its slot is free again.
        let _ = thread::Builder::new().spawn(move || {
            let _slot = slot;
            proxy.attend(&client).unwrap_or_else(|it| it.send(&client));
        });
    }
}

/// The place of one connection, given back even if its thread panics.
struct Slot(mpsc::Sender<()>);

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl<F: Fn(&Refusal)> Proxy<F> {
    fn attend(&self, mut client: &TcpStream) -> Result<(), Answer> {
        let (request, early) = receive(client)?;
        let mut origin = self.connect(&request)?;
        let greeted = match &request.head {
            Some(head) => origin.write_all(head),
            None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n"),
        };
        greeted.map_err(|error| request.unreachable(&error))?;
        // When bytes have been relayed, it's too late for an answer.
        let _ = relay(client, &early, request.body, &origin);
        Ok(())
    }

    /// Connects to an address of the requested host that commands may reach.
    fn connect(&self, request: &Request) -> Result<TcpStream, Answer> {
        let Request { host, port, .. } = request;
        if !self.hosts.name(host, *port) {
            return Err(self.refuse(request, None));
        }
        let found = host.resolve(*port);
        let found = found.map_err(|error| request.unreachable(&error))?;
        let may = |address: &IpAddr| {
            host.is_localhost() || is_public(*address) || self.hosts.name_address(*address, *port)
        };
        let allowed: Vec<_> = found.iter().copied().filter(|it| may(&it.ip())).collect();
        if allowed.is_empty() {
            return Err(self.refuse(request, found.first().map(SocketAddr::ip)));
        }
        dial(&allowed).map_err(|error| request.unreachable(&error))
    }

    fn refuse(&self, request: &Request, address: Option<IpAddr>) -> Answer {
        let refusal = Refusal {
            host: request.host.to_string(),
            port: request.port,
            address,
        };
        (self.refused)(&refusal);
        Answer::new("403 Forbidden", refusal.to_string())
    }
}

/// Reads a request's head from `client`, and what came with it of what follows.
fn receive(mut client: &TcpStream) -> Result<(Request, Vec<u8>), Answer> {
    let end = Instant::now() + HEAD_TIMEOUT;
    let mut bytes = Vec::new();
    let mut piece = [0; 8 << 10];
    loop {
        let room = piece.len().min(HEAD_LIMIT - bytes.len());
        if room == 0 {
            let words = format!("A request's head may have {HEAD_LIMIT} bytes.");
            let status = "431 Request Header Fields Too Large";
            return Err(Answer::new(status, words));
        }
        let left = end.saturating_duration_since(Instant::now());
        let timeout = client.set_read_timeout(Some(left));
        match timeout.and_then(|()| client.read(&mut piece[..room])) {
            Ok(0) => return Err(Answer::bad("The request ends before its head does.")),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // No time left is an error of `set_read_timeout`.
            Err(_) => {
                let words = "The request's head did not come within 10 seconds.";
                return Err(Answer::new("408 Request Timeout", words));
            }
        }
        if let Some((request, length)) = Request::read(&bytes)? {
            let _ = client.set_read_timeout(None);
            return Ok((request, bytes.split_off(length)));
        }
    }
}

/// Connects to the first address that answers.
fn dial(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let end = Instant::now() + CONNECT_TIMEOUT;
    let mut outcome = Err(ErrorKind::HostUnreachable.into());
    for (address, rest) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        // A share each, so that an address that keeps silent leaves time for the next.
        let share = end.saturating_duration_since(Instant::now()) / rest;
        outcome = TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Copies bytes both ways, `early` before those of `client`, until both sides have ended.
///
/// The client's end is passed on as such, for it may still wait for an answer. What it sends
/// beyond `body` bytes would be its next request, perhaps for another host: it ends both.
fn relay(client: &TcpStream, early: &[u8], body: u64, origin: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    origin.set_nodelay(true)?;
    thread::scope(|scope| {
        let up = thread::Builder::new().spawn_scoped(scope, || {
            let mut source = early.chain(client);
            match io::copy(&mut source.by_ref().take(body), &mut &*origin) {
                Ok(copied) if copied == body => {
                    if matches!(source.read(&mut [0]), Ok(1)) {
                        let _ = client.shutdown(Shutdown::Both);
                        let _ = origin.shutdown(Shutdown::Both);
                    }
                }
                Ok(_) => {}
                // The origin takes no more, and may have said why: what the client goes on to
                // send must not reset the connection before it has read that.
                Err(_) => drop(io::copy(&mut source, &mut io::sink())),
            }
            origin.shutdown(Shutdown::Write)
        });
        let down = up.and_then(|_| io::copy(&mut &*origin, &mut &*client));
        if down.is_err() {
            let _ = origin.shutdown(Shutdown::Both);
        }
        client.shutdown(Shutdown::Write)
    })
}

/// One request, as far as the proxy has to know it.
struct Request {
    host: Host,
    port: u16,
    /// What the origin is told; `None` for a tunnel.
    head: Option<Vec<u8>>,
    /// Bytes that follow; `u64::MAX` when only their end tells.
    body: u64,
}

impl Request {
    /// Reads a head and its length in bytes. `None` means that it goes on.
    fn read(bytes: &[u8]) -> Result<Option<(Request, usize)>, Answer> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(Answer::bad(&format!("This is no HTTP request: {error}."))),
        };
        let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version)
        else {
            return Err(Answer::bad("This is no HTTP request."));
        };
        let request = match method {
            "CONNECT" => Request::tunnel(target)?,
            _ => Request::forward(method, target, version, head.headers)?,
        };
        Ok(Some((request, length)))
    }

    fn tunnel(target: &str) -> Result<Request, Answer> {
        let parsed = authority(target);
        let Some((host, Some(port))) = parsed else {
            let words = "A tunnel needs a host and a port: CONNECT example.org:443.";
            return Err(Answer::bad(words));
        };
        Ok(Request {
            host,
            port,
            head: None,
            body: u64::MAX,
        })
    }

    /// The head that goes to the origin names the target's host, whatever the client's `Host` says.
    fn forward(method: &str, target: &str, version: u8, fields: &Fields) -> Result<Self, Answer> {
        let asked = target.split_at_checked("http://".len());
        let asked = asked.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http://"));
        let Some((_, rest)) = asked.filter(|_| target.bytes().all(|it| it.is_ascii_graphic()))
        else {
            let words = "This is a proxy: it takes CONNECT example.org:443 for https, and GET \
                         http://example.org/ for http.";
            return Err(Answer::bad(words));
        };
        let (name, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let Some((host, port)) = authority(name) else {
            let words = "The URL's host is not written as example.org, 127.0.0.1 or [::1].";
            return Err(Answer::bad(words));
        };
        let slash = match path.bytes().next() {
            Some(b'/') => "",
            // RFC 9112, section 3.2.4: this asks about the server, not about a page.
            None if method == "OPTIONS" => "*",
            _ => "/",
        };
        let shown = port.filter(|port| *port != 80);
        let shown = shown.map_or(String::new(), |port| format!(":{port}"));
        let line = format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {host}{shown}\r\n");
        Ok(Request {
            host,
            port: port.unwrap_or(80),
            head: Some([line.into_bytes(), passed_on(fields)].concat()),
            body: body_length(fields)?,
        })
    }

    fn unreachable(&self, error: &io::Error) -> Answer {
        let status = match error.kind() {
            ErrorKind::TimedOut => "504 Gateway Timeout",
            _ => "502 Bad Gateway",
        };
        let Request { host, port, .. } = self;
        Answer::new(status, format!("{host}:{port} can't be reached: {error}."))
    }
}

type Fields<'a> = [httparse::Header<'a>];

/// The fields that are meant for the origin, and the head's end.
///
/// Those for the next hop only are left out (RFC 9110, section 7.6.1), but not what tells a
/// body's length, since the body is passed on as it is. `Connection: close` forbids the origin to
/// read a second request from what follows (RFC 9112, section 9.6).
fn passed_on(fields: &Fields) -> Vec<u8> {
    let for_hop = fields.iter().filter(|field| is(field, "connection"));
    let for_hop = for_hop.filter_map(|field| str::from_utf8(field.value).ok());
    let for_hop: Vec<&str> = for_hop
        .flat_map(|it| it.split(','))
        .map(str::trim)
        .collect();
    let mut head = Vec::new();
    for field in fields {
        let name = field.name.to_ascii_lowercase();
        let stays = match name.as_str() {
            "content-length" | "transfer-encoding" => true,
            "host" | "connection" | "keep-alive" | "te" | "upgrade" => false,
            name if name.starts_with("proxy-") => false,
            name => !for_hop.iter().any(|it| it.eq_ignore_ascii_case(name)),
        };
        if stays {
            head.extend_from_slice(field.name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(field.value);
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    head
}

/// The bytes in a request's body. Two answers to that are an attempt to smuggle something.
fn body_length(fields: &Fields) -> Result<u64, Answer> {
    let mut lengths = fields.iter().filter(|field| is(field, "content-length"));
    let is_chunked = fields.iter().any(|field| is(field, "transfer-encoding"));
    let read = match (lengths.next(), lengths.next(), is_chunked) {
        (None, _, true) => Some(u64::MAX),
        (None, _, false) => Some(0),
        (Some(length), None, false) => str::from_utf8(length.value).ok().and_then(number),
        _ => None,
    };
    read.ok_or_else(|| Answer::bad("The length of the request's body is not clear."))
}

fn is(field: &httparse::Header, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name)
}

/// Digits only: `parse` alone takes a sign, too.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// What the proxy itself answers, instead of an origin.
struct Answer {
    status: &'static str,
    words: String,
}

impl Answer {
    fn new(status: &'static str, words: impl Into<String>) -> Answer {
        let words = words.into();
        Answer { status, words }
    }

    fn bad(words: &str) -> Answer {
        Answer::new("400 Bad Request", words)
    }

    /// Sends the answer, so far as the client takes it.
    fn send(self, mut client: &TcpStream) {
        let Answer { status, words } = self;
        let length = words.len() + 1;
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{words}\n"
        );
        let _ = client.write_all(answer.as_bytes());
        let _ = client.shutdown(Shutdown::Write);
        // To close while bytes come in would reset the connection, and the answer could be lost.
        let _ = client.set_read_timeout(Some(Duration::from_secs(1)));
        let _ = io::copy(&mut client.take(1 << 20), &mut io::sink());
    }
}

/// What a command wanted to reach, and may not. Its text says so, and how the user can allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A name in lower case, or an address, IPv6 in brackets.
    pub host: String,
    pub port: u16,
    /// Where the host's name leads, if the list has the name but this address is not a public one.
    pub address: Option<IpAddr>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Refusal { host, port, .. } = self;
        let port_if_needed = match port {
            80 | 443 => String::new(),
            port => format!(":{port}"),
        };
        match self.address {
            None => write!(
                f,
                "{host}:{port} was not reached: the sandbox's list of hosts does not name it. \
                 The user can allow it: --allow-net {host}{port_if_needed}"
            ),
            Some(address) => write!(
                f,
                "{host}:{port} was not reached: it leads to {address}, which is not a public \
                 address. The user can allow both: --allow-net {host}{port_if_needed},{}{port_if_needed}",
                Host::Address(address)
            ),
        }
    }
}

/// What commands may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    host: Host,
    /// Whether names below `host` are meant, and not `host` itself.
    is_below: bool,
    /// `None` stands for 80 and 443.
    port: Option<u16>,
}

impl Hosts {
    /// Reads a list of `example.org`, `*.example.org`, `127.0.0.1` or `[::1]`, each with or without
    /// a port (`example.org:8443`). Without one it is 80 and 443. `*.` stands for the names below
    /// a name, but not for the name itself.
    ///
    /// A name must lead to a public address, or to one that is on the list; `localhost` leads to
    /// this machine.
    ///
    /// # Errors
    ///
    /// When an entry is written differently: what to write.
    pub fn new(list: &[String]) -> Result<Hosts, String> {
        list.iter()
            .map(|text| Entry::read(text))
            .collect::<Result<_, _>>()
            .map(Hosts)
    }

    /// Whether the list names this host at this port.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        Host::read(host).is_some_and(|host| self.name(&host, port))
    }

    fn name(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|entry| entry.names(host, port))
    }

    fn name_address(&self, address: IpAddr, port: u16) -> bool {
        self.name(&Host::Address(address.to_canonical()), port)
    }
}

impl Entry {
    fn read(text: &str) -> Result<Entry, String> {
        let below = text.strip_prefix("*.");
        let parsed = authority(below.unwrap_or(text));
        // Names below an address are none.
        let parsed = parsed.filter(|(host, _)| below.is_none() || matches!(host, Host::Name(_)));
        let (host, port) = parsed.ok_or_else(|| {
            format!(
                "{text:?} is not a host: write a name (example.org), the names below it \
                 (*.example.org) or an address (127.0.0.1, [::1]), and a port if it is neither \
                 80 nor 443 (example.org:8443). Letters beyond ASCII are written as xn--..."
            )
        })?;
        Ok(Entry {
            host,
            is_below: below.is_some(),
            port,
        })
    }

    fn names(&self, host: &Host, port: u16) -> bool {
        let is_host = match (&self.host, host) {
            (Host::Name(listed), Host::Name(name)) if self.is_below => {
                let start = name.strip_suffix(listed.as_str());
                start.is_some_and(|start| start.ends_with('.'))
            }
            (listed, host) => listed == host,
        };
        is_host
            && self
                .port
                .map_or(port == 80 || port == 443, |listed| listed == port)
    }
}

/// Reads `host` or `host:port`; an IPv6 address stands in brackets, so that its end is clear.
fn authority(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if host.contains(':') && !host.starts_with('[') {
        return None;
    }
    let port = match port {
        Some(port) => Some(number(port).filter(|port| *port != 0)?),
        None => None,
    };
    Some((Host::read(host)?, port))
}

/// A host in the one way in which hosts are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// In lower case, without a dot at the end.
    Name(String),
    /// IPv4 as such, not inside IPv6.
    Address(IpAddr),
}

impl Host {
    /// Reads a name or an address, IPv6 with or without brackets.
    fn read(text: &str) -> Option<Host> {
        if let Some(inside) = text.strip_prefix('[') {
            let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Host::Address(address.to_canonical()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Host::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_label = |label: &str| matches!(label.len(), 1..=63) && label.bytes().all(is_letter);
        // RFC 1035, section 2.3.4, less the length's own bytes.
        let is_name = name.len() <= 253 && name.split('.').all(is_label);
        is_name.then(|| Host::Name(name.to_ascii_lowercase()))
    }

    fn is_localhost(&self) -> bool {
        matches!(self, Host::Name(name) if name == "localhost")
    }

    /// Where the host is. `localhost` is this machine, whoever else could be asked (RFC 6761,
    /// section 6.3).
    fn resolve(&self, port: u16) -> io::Result<Vec<SocketAddr>> {
        let addresses = match self {
            Host::Address(address) => vec![*address],
            _ if self.is_localhost() => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Host::Name(name) => return Ok((name.as_str(), port).to_socket_addrs()?.collect()),
        };
        let addresses = addresses.into_iter();
        Ok(addresses
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Networks and the lengths of their prefixes: this machine, local networks, many receivers at
/// once, and what has no use yet (IANA's registry of special-purpose IPv4 addresses).
const NOT_PUBLIC: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Whether an address belongs to the public internet. Of IPv6 that is 2000::/3, the only part
/// that IANA gives out for it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC.iter().any(|(network, length)| {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= *length
        }),
        IpAddr::V6(address) => match inside(address) {
            Some(address) => is_public(address.into()),
            None => address.segments()[0] >> 13 == 1,
        },
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, by NAT64 (RFC 6052) or by 6to4
/// (RFC 3056).
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

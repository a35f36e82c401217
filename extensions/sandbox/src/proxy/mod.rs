//! Lets commands reach chosen hosts, by plain HTTP and by whatever a CONNECT tunnel carries.
//!
//! The idea: the walls leave a command one way out, this proxy. Each connection asks for one
//! host, and its bytes are relayed once the list of [`Hosts`] names it.
//! The invariant: what is connected to is an address that was judged itself, so neither a name
//! that points into the local network nor a second look-up leads elsewhere. No input panics.
//! Left out: TLS is not looked into, so a tunnel may ask a listed host's server for another
//! host's pages. A connection carries one request; WebSockets need a tunnel. The machine's own
//! public addresses are not told from others, and proxies further up are not asked.

mod hosts;
mod request;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hosts::Host;
pub use hosts::{Hosts, is_public};
use request::Request;

/// Connections at a time.
pub const CONNECTIONS: usize = 64;
/// Bytes in a request's head.
pub const HEAD_LIMIT: usize = 64 << 10;
/// Fields in a request's head.
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

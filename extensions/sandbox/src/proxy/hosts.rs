//! Hosts that may be reached, compared in one way, and addresses that a name must not lead to.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use super::request::number;

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

    pub(super) fn name(&self, host: &Host, port: u16) -> bool {
        self.0.iter().any(|entry| entry.names(host, port))
    }

    pub(super) fn name_address(&self, address: IpAddr, port: u16) -> bool {
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
pub(super) fn authority(text: &str) -> Option<(Host, Option<u16>)> {
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
pub(super) enum Host {
    /// In lower case, without a dot at the end.
    Name(String),
    /// IPv4 as such, not inside IPv6.
    Address(IpAddr),
}

impl Host {
    /// Reads a name or an address, IPv6 with or without brackets.
    pub(super) fn read(text: &str) -> Option<Host> {
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

    pub(super) fn is_localhost(&self) -> bool {
        matches!(self, Host::Name(name) if name == "localhost")
    }

    /// Where the host is. `localhost` is this machine, whoever else could be asked (RFC 6761,
    /// section 6.3).
    pub(super) fn resolve(&self, port: u16) -> io::Result<Vec<SocketAddr>> {
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

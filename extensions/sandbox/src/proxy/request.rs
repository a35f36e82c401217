//! A request's head: what the proxy has to know of it, and what the origin gets of it.

use std::io::{self, ErrorKind};
use std::str::FromStr;

use super::Answer;
use super::hosts::{Host, authority};

/// Fields in a request's head.
const FIELDS: usize = 128;

/// One request, as far as the proxy has to know it.
pub(super) struct Request {
    pub(super) host: Host,
    pub(super) port: u16,
    /// What the origin is told; `None` for a tunnel.
    pub(super) head: Option<Vec<u8>>,
    /// Bytes that follow; `u64::MAX` when only their end tells.
    pub(super) body: u64,
}

impl Request {
    /// Reads a head and its length in bytes. `None` means that it goes on.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(Request, usize)>, Answer> {
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

    pub(super) fn tunnel(target: &str) -> Result<Request, Answer> {
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
    pub(super) fn forward(
        method: &str,
        target: &str,
        version: u8,
        fields: &Fields,
    ) -> Result<Self, Answer> {
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

    pub(super) fn unreachable(&self, error: &io::Error) -> Answer {
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
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

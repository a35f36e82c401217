//! The proxy between real clients and real origins, all on this machine.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use corecoder_sandbox::proxy::{CONNECTIONS, HEAD_LIMIT, Hosts, Refusal, is_public, serve};
use proptest::prelude::*;

/// A test that hangs should fail instead.
const PATIENCE: Duration = Duration::from_secs(30);

fn hosts(list: &[&str]) -> Hosts {
    let list: Vec<String> = list.iter().map(|text| text.to_string()).collect();
    Hosts::new(&list).expect("the list is right")
}

struct Proxy {
    address: SocketAddr,
    refused: Receiver<Refusal>,
}

impl Proxy {
    fn new(list: &[&str]) -> Proxy {
        let (sender, refused) = channel();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let refuse = move |refusal: &Refusal| drop(sender.send(refusal.clone()));
        serve(listener, hosts(list), refuse).expect("there is a thread");
        Proxy { address, refused }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).expect("the proxy listens");
        let timeout = client.set_read_timeout(Some(PATIENCE));
        timeout.expect("the timeout is not zero");
        client
    }

    /// The whole answer to what may be no request at all.
    fn answer(&self, request: &[u8]) -> String {
        let mut client = self.connect();
        // The proxy may answer before it has read all.
        let _ = client.write_all(request);
        let _ = client.shutdown(Shutdown::Write);
        all(&client)
    }
}

/// What comes until the end.
fn all(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("there is an end");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("")
}

/// A server that attends to one connection at a time.
struct Origin {
    address: SocketAddr,
    /// What each connection said.
    said: Receiver<String>,
}

impl Origin {
    fn new(attend: impl Fn(TcpStream) -> String + Send + 'static) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (sender, said) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let _ = sender.send(attend(stream));
            }
        });
        Origin { address, said }
    }

    /// Reads until `end` has come, answers with `hello`, and closes.
    fn polite(end: &'static str) -> Origin {
        Origin::new(move |mut stream| {
            let said = read_until(&mut stream, end);
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close";
            let answer = write!(stream, "{head}\r\n\r\nhello");
            answer.expect("it is read");
            said
        })
    }

    /// Reads all, then says the same.
    fn echo() -> Origin {
        Origin::new(|mut stream| {
            let said = all(&stream);
            stream.write_all(said.as_bytes()).expect("it is read");
            said
        })
    }

    fn said(&self) -> String {
        let said = self.said.recv_timeout(PATIENCE);
        said.expect("a connection has come and gone")
    }
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(end.as_bytes()) && matches!(stream.read(&mut byte), Ok(1)) {
        said.push(byte[0]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_list_names_hosts_in_any_case_at_its_ports() {
    let rows: &[(&str, &str, u16, bool)] = &[
        ("example.org", "example.org", 443, true),
        ("example.org", "example.org", 80, true),
        ("example.org", "example.org", 8080, false),
        ("example.org", "EXAMPLE.Org.", 443, true),
        ("Example.ORG.", "example.org", 443, true),
        ("example.org", "example.org..", 443, false),
        ("example.org", "www.example.org", 443, false),
        ("example.org", "notexample.org", 443, false),
        ("example.org", "example.org.evil.net", 443, false),
        ("example.org", "", 443, false),
        ("*.example.org", "www.example.org", 443, true),
        ("*.example.org", "a.b.example.org", 443, true),
        ("*.example.org", "example.org", 443, false),
        ("*.example.org", "notexample.org", 443, false),
        ("*.example.org", ".example.org", 443, false),
        ("*.example.org:8443", "www.example.org", 8443, true),
        ("*.example.org:8443", "www.example.org", 443, false),
        ("example.org:8443", "example.org", 8443, true),
        ("example.org:8443", "example.org", 443, false),
        ("localhost", "localhost", 80, true),
        ("localhost", "127.0.0.1", 80, false),
        ("127.0.0.1:8080", "127.0.0.1", 8080, true),
        ("127.0.0.1:8080", "::ffff:127.0.0.1", 8080, true),
        ("127.0.0.1:8080", "127.1", 8080, false),
        ("127.0.0.1:8080", "2130706433", 8080, false),
        ("127.0.0.1:8080", "127.0.0.1", 80, false),
        ("[::1]:80", "::1", 80, true),
        ("[::1]:80", "[::1]", 80, true),
        ("[::1]:80", "[0:0:0:0:0:0:0:1]", 80, true),
        ("[::1]", "[::1]", 443, true),
        ("[::1]", "[::1", 443, false),
        ("[::ffff:10.0.0.1]", "10.0.0.1", 443, true),
        ("[::1]", "localhost", 80, false),
    ];
    for (entry, host, port, expected) in rows {
        let allowed = hosts(&[entry]).allows(host, *port);
        assert_eq!(allowed, *expected, "{entry} for {host}:{port}");
    }
}

#[test]
fn an_entry_that_is_no_host_is_answered_with_what_to_write() {
    let long = format!("{}.org", "a".repeat(64));
    let rows = [
        "",
        ".",
        "*",
        "*.",
        "*.127.0.0.1",
        "*.[::1]",
        "www.*.org",
        "https://example.org",
        "example.org/path",
        "user@example.org",
        "example.org:",
        "example.org:0",
        "example.org:+80",
        "example.org:65536",
        "example.org:http",
        "example.org,example.net",
        "example .org",
        "exämple.org",
        "a..b",
        "::1",
        "::1:80",
        "[::1",
        "[::1]80",
        "[127.0.0.1]",
        "[fe80::1%eth0]",
        &long,
    ];
    for row in rows {
        let error = Hosts::new(&[row.to_owned()]).expect_err(row);
        assert!(error.contains(&format!("{row:?}")), "{error}");
        assert!(error.contains("example.org:8443"), "{error}");
    }
}

#[test]
fn addresses_of_machines_and_local_networks_are_not_public() {
    let rows = [
        ("0.0.0.0", false),
        ("0.1.2.3", false),
        ("9.255.255.255", true),
        ("10.0.0.0", false),
        ("10.255.255.255", false),
        ("11.0.0.0", true),
        ("100.63.255.255", true),
        ("100.64.0.0", false),
        ("100.127.255.255", false),
        ("100.128.0.0", true),
        ("127.0.0.1", false),
        ("127.255.255.255", false),
        ("128.0.0.0", true),
        ("169.254.169.254", false),
        ("172.15.255.255", true),
        ("172.16.0.0", false),
        ("172.31.255.255", false),
        ("172.32.0.0", true),
        ("192.0.0.192", false),
        ("192.167.255.255", true),
        ("192.168.0.0", false),
        ("192.169.0.0", true),
        ("223.255.255.255", true),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("::", false),
        ("::1", false),
        ("::127.0.0.1", false),
        ("::ffff:127.0.0.1", false),
        ("::ffff:93.184.215.14", true),
        ("64:ff9b::10.0.0.1", false),
        ("64:ff9b::93.184.215.14", true),
        ("64:ff9b:1::1", false),
        ("2002:7f00:1::", false),
        ("2002:5db8:d70e::", true),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", true),
        ("fc00::1", false),
        ("fd00:ec2::254", false),
        ("fe80::1", false),
        ("fec0::1", false),
        ("ff02::1", false),
    ];
    for (address, expected) in rows {
        let parsed: IpAddr = address.parse().expect(address);
        assert_eq!(is_public(parsed), expected, "{address}");
    }
}

#[test]
fn what_is_no_request_to_a_proxy_is_answered_in_words() {
    let proxy = Proxy::new(&[]);
    let many = format!("GET http://a/ HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    let rows = [
        "",
        "\r\n",
        "GET http://example.org/ HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "GET https://example.org/ HTTP/1.1\r\n\r\n",
        "GET ftp://example.org/ HTTP/1.1\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
        "GET http:/// HTTP/1.1\r\n\r\n",
        "GET http://user@example.org/ HTTP/1.1\r\n\r\n",
        "GET http://example.org\\@a/ HTTP/1.1\r\n\r\n",
        "GET http://example.org#a HTTP/1.1\r\n\r\n",
        "GET http://ex%61mple.org/ HTTP/1.1\r\n\r\n",
        "GET http://exämple.org/ HTTP/1.1\r\n\r\n",
        "GET http://example.org/ä HTTP/1.1\r\n\r\n",
        "GET http://example.org:99999/ HTTP/1.1\r\n\r\n",
        "GET http://[::1/ HTTP/1.1\r\n\r\n",
        "GET http://example.org/ HTTP/2.0\r\n\r\n",
        "GET http://example.org/\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost : b\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n c\r\n\r\n",
        "CONNECT example.org HTTP/1.1\r\n\r\n",
        "CONNECT http://example.org:443 HTTP/1.1\r\n\r\n",
        "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
        "CONNECT example.org:443/ HTTP/1.1\r\n\r\n",
        "CONNECT a@b:443 HTTP/1.1\r\n\r\n",
        "connect example.org:443 HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
        "POST http://a/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        &many,
    ];
    for request in rows {
        let answer = proxy.answer(request.as_bytes());
        assert_eq!(status(&answer), "400", "{request:?}: {answer}");
        let words = answer.split_once("\r\n\r\n").expect("a head has an end").1;
        assert!(words.len() > 20, "{request:?}: {answer}");
    }
    assert!(proxy.refused.try_recv().is_err());
}

#[test]
fn a_head_that_is_too_long_is_not_read_to_its_end() {
    let proxy = Proxy::new(&[]);
    let start = "GET http://example.org/ HTTP/1.1\r\na: ";
    for (length, expected) in [(HEAD_LIMIT, "403"), (HEAD_LIMIT + 1, "431")] {
        let filler = "b".repeat(length - start.len() - 4);
        let answer = proxy.answer(format!("{start}{filler}\r\n\r\n").as_bytes());
        assert_eq!(status(&answer), expected, "{length} bytes: {answer}");
    }
}

#[test]
fn a_host_that_the_list_does_not_name_is_refused_with_the_way_to_allow_it() {
    let proxy = Proxy::new(&["example.org:8443", "[::1]:80"]);
    // What is asked for, what is told about it, and the entry that would allow it.
    let rows = [
        ("CONNECT Evil.net:443", "evil.net:443", "evil.net"),
        ("CONNECT example.org:443", "example.org:443", "example.org"),
        ("CONNECT evil.net:22", "evil.net:22", "evil.net:22"),
        ("GET http://evil.net/", "evil.net:80", "evil.net"),
        ("GET HTTP://evil.net:81?a", "evil.net:81", "evil.net:81"),
        ("GET http://127.0.0.1/", "127.0.0.1:80", "127.0.0.1"),
        ("CONNECT [::1]:81", "[::1]:81", "[::1]:81"),
        ("CONNECT [::ffff:10.0.0.1]:80", "10.0.0.1:80", "10.0.0.1"),
    ];
    for (start, told, entry) in rows {
        let request = format!("{start} HTTP/1.1\r\nHost: example.org:8443\r\n\r\n");
        let answer = proxy.answer(request.as_bytes());
        assert_eq!(status(&answer), "403", "{start}: {answer}");
        let refusal = proxy.refused.recv_timeout(PATIENCE).expect(start);
        assert_eq!(format!("{}:{}", refusal.host, refusal.port), told);
        assert_eq!(refusal.address, None);
        assert!(answer.ends_with(&format!("{refusal}\n")), "{answer}");
        let way = format!("--allow-net {entry}\n");
        assert!(answer.ends_with(&way), "{answer}");
    }
}

/// `127.1` is a name to the proxy, and 127.0.0.1 to the system's resolver, which asks no server.
#[test]
fn a_listed_name_that_leads_to_this_machine_is_refused_unless_the_address_is_listed_too() {
    let origin = Origin::polite("\r\n\r\n");
    let port = origin.address.port();
    let (name, address) = (format!("127.1:{port}"), format!("127.0.0.1:{port}"));
    let request = format!("GET http://{name}/ HTTP/1.1\r\n\r\n");

    let proxy = Proxy::new(&[&name]);
    let answer = proxy.answer(request.as_bytes());
    assert_eq!(status(&answer), "403", "{answer}");
    let refusal = proxy.refused.recv_timeout(PATIENCE).expect("it is told");
    assert_eq!(refusal.address, Some(IpAddr::from([127, 0, 0, 1])));
    let way = format!("--allow-net {name},{address}\n");
    assert!(answer.ends_with(&way), "{answer}");

    let answer = Proxy::new(&[&name, &address]).answer(request.as_bytes());
    assert_eq!(status(&answer), "200", "{answer}");
}

#[test]
fn the_origin_hears_the_urls_host_and_nothing_meant_for_the_proxy() {
    let origin = Origin::polite("\r\n\r\n");
    let port = origin.address.port();
    let proxy = Proxy::new(&[&format!("127.0.0.1:{port}"), &format!("localhost:{port}")]);
    // What the client says, with `@` for the origin's port, and what the origin hears.
    let rows = [
        (
            "GET http://127.0.0.1:@/a?b=c HTTP/1.1\r\nHost: evil.example\r\nAccept: */*\r\n\r\n",
            "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:@\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET HTTP://LocalHost.:@ HTTP/1.0\r\nhOsT: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: localhost:@\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET http://localhost:@?http://evil.example/ HTTP/1.1\r\n\r\n",
            "GET /?http://evil.example/ HTTP/1.1\r\nHost: localhost:@\r\nConnection: close\r\n\r\n",
        ),
        (
            "OPTIONS http://127.0.0.1:@ HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:@\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET http://127.0.0.1:@/ HTTP/1.1\r\nProxy-Connection: keep-alive\r\n\
             Proxy-Authorization: Basic YTpi\r\nConnection: X-Hop, close, Content-Length\r\n\
             Keep-Alive: 5\r\nx-hop: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Kept: 2\r\n\
             Content-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:@\r\nX-Kept: 2\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
        ),
    ];
    for (request, heard) in rows {
        let fill = |text: &str| text.replace('@', &port.to_string());
        let answer = proxy.answer(fill(request).as_bytes());
        assert!(answer.ends_with("\r\n\r\nhello"), "{request}: {answer}");
        assert_eq!(origin.said(), fill(heard));
    }
    assert!(proxy.refused.try_recv().is_err());
}

#[test]
fn bodies_are_passed_on_as_they_are() {
    let origin = Origin::polite("END");
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    let long = format!("{}END", "x".repeat(1 << 20));
    let rows = [
        ("Content-Length: 6".to_owned(), "abcEND"),
        (
            "Transfer-Encoding: chunked".to_owned(),
            "3\r\nabc\r\n3;x=y\r\nEND",
        ),
        (format!("Content-Length: {}", long.len()), &long),
    ];
    for (field, body) in rows {
        let head = format!("POST http://{name}/ HTTP/1.1\r\n{field}\r\n\r\n");
        let answer = proxy.answer(format!("{head}{body}").as_bytes());
        assert!(answer.ends_with("\r\n\r\nhello"), "{field}: {answer}");
        let said = origin.said();
        let (head, said) = said.split_once("\r\n\r\n").expect("a head has an end");
        assert!(head.contains(&field), "{head}");
        assert!(said == body, "{} bytes of {}", said.len(), body.len());
    }
}

#[test]
fn a_second_request_on_a_connection_reaches_no_origin() {
    // An origin that keeps its connections open, whatever it was asked.
    let origin = Origin::new(|mut stream| {
        let head = read_until(&mut stream, "\r\n\r\n");
        let answer = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        answer.expect("it is read");
        head + &all(&stream)
    });
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    let request = format!("GET http://{name}/one HTTP/1.1\r\n\r\n");

    let mut client = proxy.connect();
    client.write_all(request.as_bytes()).expect("it is read");
    assert!(read_until(&mut client, "hello").ends_with("hello"));
    let second = request.replace("one", "two");
    client.write_all(second.as_bytes()).expect("it is read");
    // The connection may end with a reset, since the second request is not read.
    let _ = client.read_to_end(&mut Vec::new());
    assert_eq!(origin.said().matches("HTTP/1.1").count(), 1);
}

#[test]
fn an_answer_that_comes_before_the_body_has_gone_is_not_lost() {
    let origin = Origin::new(|mut stream| {
        let head = read_until(&mut stream, "\r\n\r\n");
        let answer = stream.write_all(b"HTTP/1.1 413 Content Too Large\r\n\r\n");
        answer.expect("it is read");
        head
    });
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    for (host, length, expected) in [(name.as_str(), 8 << 20, "413"), ("a", 900 << 10, "403")] {
        let head = format!("POST http://{host}/ HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), &vec![b'x'; length]].concat();
        let mut client = proxy.connect();
        client.write_all(&request).expect("all of it is taken");
        client.shutdown(Shutdown::Write).expect("it is open");
        let answer = all(&client);
        assert_eq!(status(&answer), expected, "{answer}");
    }
}

#[test]
fn a_tunnel_carries_any_bytes_both_ways_and_each_end_by_itself() {
    let origin = Origin::echo();
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    let request = format!("CONNECT {name} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    // The echo comes after the end of what was said, and what was said may come with the head.
    let long = "0123456789".repeat(1 << 18);
    for said in ["", "early", "GET / HTTP/1.1\r\n\r\n", &long] {
        let answer = proxy.answer(format!("{request}{said}").as_bytes());
        let (head, echo) = answer.split_once("\r\n\r\n").expect("a head has an end");
        assert_eq!(head, "HTTP/1.1 200 Connection established");
        assert!(echo == said, "{} bytes of {}", echo.len(), said.len());
        assert!(origin.said() == said);
    }
}

#[test]
fn a_tunnel_stays_open_for_the_client_after_the_origin_has_ended() {
    let origin = Origin::new(|mut stream| {
        stream.write_all(b"first").expect("it is read");
        stream.shutdown(Shutdown::Write).expect("it is open");
        all(&stream)
    });
    let name = origin.address.to_string();
    let mut client = Proxy::new(&[&name]).connect();
    let request = format!("CONNECT {name} HTTP/1.1\r\n\r\n");
    client.write_all(request.as_bytes()).expect("it is read");
    assert!(all(&client).ends_with("\r\n\r\nfirst"));
    client.write_all(b"last").expect("it is read");
    drop(client);
    assert_eq!(origin.said(), "last");
}

#[test]
fn an_origin_that_is_not_there_is_told_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let name = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    let proxy = Proxy::new(&[&name]);
    for start in [format!("CONNECT {name}"), format!("GET http://{name}/")] {
        let answer = proxy.answer(format!("{start} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(status(&answer), "502", "{start}: {answer}");
        assert!(answer.contains(&format!("{name} can't be reached")));
    }
}

#[test]
fn one_connection_too_many_waits_until_another_one_ends() {
    let proxy = Proxy::new(&[]);
    let mut others: Vec<TcpStream> = (0..CONNECTIONS).map(|_| proxy.connect()).collect();
    let mut client = proxy.connect();
    let sent = client.write_all(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n");
    sent.expect("the system takes it");
    let short = client.set_read_timeout(Some(Duration::from_millis(100)));
    short.expect("the timeout is not zero");
    let early = client.read(&mut [0]).expect_err("it waits").kind();
    assert!(matches!(early, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    others.pop();
    let long = client.set_read_timeout(Some(PATIENCE));
    long.expect("the timeout is not zero");
    assert_eq!(status(&all(&client)), "403");
}

/// What a client says, and its errors, with nothing in its environment that turns it away from the
/// proxy. `None` if it is not installed.
fn client(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args);
    for name in ["no_proxy", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name);
        command.env_remove(name.to_ascii_uppercase());
    }
    match command.output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some(String::from_utf8_lossy(&said).into_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn curl_comes_through() {
    let origin = Origin::polite("\r\n\r\n");
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    let via = format!("http://{}", proxy.address);
    let url = format!("http://{name}/path");
    let rows: &[(&[&str], &str)] = &[
        (&[&url], "hello"),
        (&["--proxytunnel", &url], "hello"),
        (&["--http1.0", &url], "hello"),
        // The second one needs a connection of its own.
        (&[&url, &url], "hellohello"),
        (&["http://evil.example/"], "does not name it"),
        (&["https://evil.example/"], "403"),
    ];
    for (args, expected) in rows {
        let args = [&["-sS", "-m", "20", "-x", &via], *args].concat();
        let Some(output) = client("curl", &args) else {
            return;
        };
        assert!(output.contains(expected), "{args:?}: {output}");
    }
}

#[test]
fn pythons_urllib_comes_through() {
    let origin = Origin::polite("END");
    let name = origin.address.to_string();
    let proxy = Proxy::new(&[&name]);
    let script = "
import sys, urllib.error, urllib.request
via, name = sys.argv[1:]
proxies = urllib.request.ProxyHandler({'http': via, 'https': via})
opener = urllib.request.build_opener(proxies)
print(opener.open(f'http://{name}/', data=b'some data END', timeout=20).read())
for url in ['http://evil.example/', 'https://evil.example/']:
    try:
        opener.open(url, timeout=20)
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
    except urllib.error.URLError as error:
        print(error.reason)
";
    let via = format!("http://{}", proxy.address);
    let Some(output) = client("python3", &["-c", script, &via, &name]) else {
        return;
    };
    for expected in ["b'hello'", "403 evil.example:80 was not", "failed: 403"] {
        assert!(output.contains(expected), "{output}");
    }
    assert!(origin.said().ends_with("\r\n\r\nsome data END"));
}

/// Words that mean something to a proxy.
const WORDS: &str = "CONNECT GET POST http:// HTTP:// HTTP/1.1 HTTP/1.0 Host: Connection: \
                     Content-Length: Transfer-Encoding: chunked example.org xn-- 127.0.0.1 [ ] \
                     ::1 : :443 . * / ? # @ % , 0 9 - \\ ä";

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let mut words: Vec<&str> = WORDS.split(' ').collect();
    words.extend([" ", " ", "\r\n", "\r\n\r\n", "\n", "\0"]);
    let word = proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec());
    let other = proptest::collection::vec(any::<u8>(), 0..8);
    let pieces = proptest::collection::vec(prop_oneof![6 => word, 1 => other], 0..24);
    // Most heads are no requests; some come close.
    let close = pieces.clone().prop_map(|pieces| {
        let middle = pieces.concat();
        [b"GET http://", &middle[..], b" HTTP/1.1\r\n\r\n"].concat()
    });
    prop_oneof![
        pieces.prop_map(|pieces| pieces.concat()),
        close,
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A thread that panics leaves its client without an answer.
    #[test]
    fn whatever_comes_is_answered(inputs in proptest::collection::vec(bytes(), 1..8)) {
        let proxy = Proxy::new(&[]);
        for input in inputs {
            let answer = proxy.answer(&input);
            prop_assert!(["400", "403"].contains(&status(&answer)), "{input:?}: {answer}");
        }
    }

    #[test]
    fn whatever_a_list_says_is_read_or_refused(text in "\\PC*", other in bytes(), port: u16) {
        let other = String::from_utf8_lossy(&other);
        for entry in [&text, &*other, &format!("{other}:{port}")] {
            if let Ok(hosts) = Hosts::new(&[entry.to_owned()]) {
                hosts.allows(&text, port);
                hosts.allows(&other, port);
            }
        }
    }
}

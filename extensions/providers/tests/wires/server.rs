//! A server on this machine that says what it was told to, one response a connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tokio::sync::oneshot;

/// What is answered: status, headers, body.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Told when the client hangs up; the body then never ends.
    pub hung_up: Option<oneshot::Sender<()>>,
}

impl Answer {
    pub fn new(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: body.into(),
            hung_up: None,
        }
    }
}

/// The base URL, and each request as it came.
pub fn serve(answers: Vec<Answer>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heard, requests) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let request = hear(&mut stream);
            let _ = heard.send(request);
            say(stream, answer);
        }
    });
    (url, requests)
}

fn hear(stream: &mut TcpStream) -> String {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).unwrap_or(0);
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let header = head.to_lowercase();
            let length = header
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
        });
        if whole || length == 0 {
            return text;
        }
    }
}

/// The head, then the body in two writes. A client that has hung up is no failure.
fn say(mut stream: TcpStream, answer: Answer) {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if answer.hung_up.is_none() {
        head += &format!("content-length: {}\r\n", answer.body.len());
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let (first, second) = answer.body.split_at(answer.body.len() / 2);
    let _ = stream.write_all(first).and_then(|()| stream.flush());
    let _ = stream.write_all(second).and_then(|()| stream.flush());
    if let Some(hung_up) = answer.hung_up {
        // Nothing more is sent, so that only a closed connection ends this.
        while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
        let _ = hung_up.send(());
    }
}

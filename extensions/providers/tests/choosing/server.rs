//! A server on this machine that answers each request by what it says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

/// What is answered.
#[derive(Clone, Default)]
pub struct Answer {
    pub status: u16,
    /// More lines of the head.
    pub head: String,
    pub body: String,
    /// The connection breaks before the length that the head promised.
    pub cut: bool,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<String>) -> Answer {
        Answer {
            status,
            body: body.into(),
            ..Answer::default()
        }
    }

    pub fn json(body: Value) -> Answer {
        Answer::new(200, body.to_string())
    }

    /// A chat completion that says this.
    pub fn said(text: &str) -> Answer {
        let chunk = json!({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]});
        Answer::new(200, format!("data: {chunk}\n\ndata: [DONE]\n\n"))
    }
}

/// The base URL, and each request as it came.
pub fn serve(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heard, requests) = channel();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, heard) = (answer.clone(), heard.clone());
            thread::spawn(move || one(stream.unwrap(), &*answer, &heard));
        }
    });
    (url, requests)
}

/// A port where nobody listens.
pub fn nobody() -> u16 {
    // A port that was free a moment ago may be another test's by now.
    1
}

fn one(mut stream: TcpStream, answer: &dyn Fn(&str) -> Answer, heard: &Sender<String>) {
    let Some(request) = hear(&mut stream) else {
        return;
    };
    let answer = answer(&request);
    let _ = heard.send(request);
    let length = answer.body.len() + usize::from(answer.cut);
    let head = format!(
        "HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {length}\r\n{}\r\n",
        answer.status, answer.head
    );
    let _ = stream.write_all((head + &answer.body).as_bytes());
}

fn hear(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let wanted = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        if body.len() >= wanted.and_then(|length| length.parse().ok()).unwrap_or(0) {
            return Some(text);
        }
    }
}

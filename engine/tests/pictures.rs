//! Pictures that a user shows, what a server that can't see them is sent instead, and the list of models.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use corecoder::{Agent, Entry, Llm, Picture, Reply, Script};
use serde_json::{Value, json};

/// A server that answers each request as `answer` says, as (status, body), and the bodies that it was sent.
fn serve(
    answer: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = bodies.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = read(&stream);
            let (status, text) = answer(&body);
            seen.lock().unwrap().push(body);
            let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
            let length = text.len();
            let mut stream = &stream;
            let _ = write!(stream, "{head}content-length: {length}\r\n\r\n{text}");
        }
    });
    (url, bodies)
}

fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn picture() -> Entry {
    Entry::Picture(Picture {
        name: "shot.png".to_string(),
        media_type: "image/png".to_string(),
        data: "QUJD".to_string(),
    })
}

fn said(text: &str) -> String {
    json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).to_string()
}

#[tokio::test]
async fn a_picture_is_shown_behind_the_words_that_it_came_with() {
    let (url, bodies) = serve(|_| (200, said("a cat")));
    let mut agent = Agent::new(Llm::new("m", "", Some(&url)).unwrap());
    agent.kit().inbox.post(picture());
    assert_eq!(agent.chat("what is this?").await.unwrap(), "a cat");
    let body: Value = serde_json::from_str(&bodies.lock().unwrap()[0]).unwrap();
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[1]["content"], "what is this?");
    let url = &messages[2]["content"][1]["image_url"]["url"];
    assert_eq!(url, "data:image/png;base64,QUJD");
}

#[tokio::test]
async fn a_server_that_refuses_pictures_is_told_their_names_from_then_on() {
    for (status, words) in [
        (400, "unknown variant `image_url`, expected `text`"),
        (
            400,
            "Invalid content type. image_url is only supported by certain models.",
        ),
        (
            500,
            "image input is not supported - hint: you may need to provide the mmproj",
        ),
    ] {
        let (url, bodies) = serve(move |body| match body.contains("data:image") {
            true => (status, json!({"error": {"message": words}}).to_string()),
            false => (200, said("I can't see it")),
        });
        let mut agent = Agent::new(Llm::new("m", "", Some(&url)).unwrap());
        agent.kit().inbox.post(picture());
        assert_eq!(agent.chat("look").await.unwrap(), "I can't see it");
        assert_eq!(agent.chat("again").await.unwrap(), "I can't see it");
        let bodies = bodies.lock().unwrap();
        assert_eq!(bodies.len(), 3, "{words}: {bodies:?}");
        assert!(bodies[1].contains("[picture: shot.png]"), "{words}");
    }
}

#[tokio::test]
async fn the_models_of_a_server_are_listed_in_both_shapes() {
    for list in [
        json!({"data": [{"id": "a"}, {"id": "b"}]}),
        json!([{"id": "a"}, {"id": "b"}]),
    ] {
        let (url, _) = serve(move |_| (200, list.to_string()));
        let llm = Llm::new("m", "", Some(&url)).unwrap();
        assert_eq!(llm.models().await.unwrap(), ["a", "b"]);
    }
    let (url, _) = serve(|_| {
        (
            401,
            json!({"error": {"message": "bad key sk-12345678"}}).to_string(),
        )
    });
    let llm = Llm::new("m", "sk-12345678", Some(&url)).unwrap();
    let error = llm.models().await.unwrap_err();
    assert!(!error.message.contains("sk-12345678"), "{error}");
}

#[tokio::test]
async fn instructions_stand_behind_the_system_prompt_of_an_agent_and_its_sub_agents() {
    let task = json!({"task": "look around"});
    let replies = [
        Reply::calls([("agent", task)]),
        Reply::text("sub"),
        Reply::text("done"),
    ];
    let mut agent = Agent::new(Script::new(replies)).instructions("Use tabs.");
    agent.chat("go").await.unwrap();
    for kit in [agent.kit().clone(), agent.kit().child("sub")] {
        assert!(corecoder::prompt::system(&kit).ends_with("\n\nUse tabs."));
    }
}

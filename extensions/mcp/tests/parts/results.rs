//! Results as a model reads them.

use corecoder::Entry;
use corecoder_mcp::render::{prompt, resource, result};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One white pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

fn text(blocks: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    result(&json!({"content": blocks}), folder.path()).text
}

#[test]
fn every_kind_of_content_is_told() {
    assert_eq!(
        text(json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])),
        "a\nb"
    );
    let link = json!([{"type": "resource_link", "uri": "x://y", "name": "n", "description": "d", "mimeType": "text/plain"}]);
    assert_eq!(text(link), "[resource n: x://y (text/plain, d)]");
    let embedded = json!([{"type": "resource", "resource": {"uri": "x://y", "text": "inside"}}]);
    assert_eq!(text(embedded), "[resource x://y]\ninside");
    let odd = text(
        json!([{"type": "smell", "of": "roses"}, "no object", {"type": "image", "data": "?"}]),
    );
    assert!(
        odd.contains("roses") && odd.contains("no object") && odd.contains("no Base64"),
        "{odd}"
    );
}

#[test]
fn a_picture_is_shown_and_kept_and_other_bytes_are_kept_and_described() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = json!([
        {"type": "image", "data": PNG, "mimeType": "image/png"},
        {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "x://z", "blob": "AAAA", "mimeType": "application/zip"}},
    ]);
    let rendered = result(&json!({"content": blocks}), folder.path());
    assert!(
        matches!(&rendered.pictures[..], [Entry::Picture(picture)] if picture.media_type == "image/png")
    );
    for words in [
        "a picture",
        ".png",
        "[audio/wav, 3 bytes; in ",
        ".wav",
        "[application/zip, 3 bytes; in ",
    ] {
        assert!(rendered.text.contains(words), "{words}: {}", rendered.text);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn structured_content_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let told = |value: Value| result(&value, folder.path()).text;
    let structured = json!({"n": 5});
    assert_eq!(
        told(
            json!({"content": [{"type": "text", "text": "{ \"n\": 5 }"}], "structuredContent": structured})
        ),
        "{ \"n\": 5 }"
    );
    assert_eq!(
        told(
            json!({"content": [{"type": "text", "text": "five"}], "structuredContent": structured})
        ),
        "five\n{\"n\":5}"
    );
    assert_eq!(told(json!({"structuredContent": structured})), "{\"n\":5}");
    assert_eq!(
        told(
            json!({"content": [{"type": "text", "text": "5"}], "structuredContent": {"result": 5}})
        ),
        "5"
    );
    assert_eq!(
        told(
            json!({"content": [{"type": "text", "text": "a"}], "structuredContent": {"result": "a"}})
        ),
        "a"
    );
    assert_eq!(told(json!({})), "");
    assert!(result(&json!({"isError": true}), folder.path()).is_error);
}

#[test]
fn resources_and_prompts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let read = json!({"contents": [{"uri": "a://b", "text": "x"}, {"uri": "a://c", "text": "y"}]});
    assert_eq!(
        resource(&read, folder.path()).text,
        "[resource a://b]\nx\n[resource a://c]\ny"
    );
    let got = json!({"messages": [
        {"role": "user", "content": {"type": "text", "text": "do"}},
        {"role": "assistant", "content": {"type": "text", "text": "done"}},
    ]});
    assert_eq!(
        prompt(&got, folder.path()).text,
        "do\n\n[example of an answer]\ndone"
    );
}

proptest! {
    #[test]
    fn a_long_text_keeps_both_ends_and_is_whole_in_a_file(unit in "[a-zäß\n]{1,9}", times in 1..4_000_usize) {
        let folder = tempfile::tempdir().unwrap();
        let whole = unit.repeat(times);
        let told = result(&json!({"content": [{"type": "text", "text": whole}]}), folder.path()).text;
        prop_assert!(told.len() < 15_500);
        if whole.len() <= 15_000 {
            prop_assert_eq!(told, whole);
        } else {
            prop_assert!(told.starts_with(&whole[..whole.floor_char_boundary(9_000)]));
            prop_assert!(told.ends_with(&whole[whole.ceil_char_boundary(whole.len() - 4_000)..]));
            let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
            let place = file.to_string_lossy().into_owned();
            prop_assert!(told.contains(&place));
            prop_assert_eq!(std::fs::read_to_string(file).unwrap(), whole);
        }
    }
}

#[test]
fn a_result_of_many_pictures_and_files_stays_one_that_can_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let picture = json!({"type": "image", "data": PNG, "mimeType": "image/png"});
    let rendered = result(&json!({"content": vec![picture; 200]}), folder.path());
    assert_eq!(rendered.pictures.len(), 10);
    assert!(
        rendered.text.contains("50 files at most"),
        "{}",
        rendered.text
    );
    // And the text that tells of them, if it is long.
    assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 51);
    // What only says that it is a picture would be refused, and everything with it.
    for data in ["", "AAAA"] {
        let block = json!({"type": "image", "data": data, "mimeType": "image/png"});
        assert_eq!(
            result(&json!({"content": [block]}), folder.path()).pictures,
            []
        );
    }
}

#[test]
fn a_long_prompt_is_cut_like_an_attached_file() {
    let folder = tempfile::tempdir().unwrap();
    let message =
        json!({"role": "user", "content": {"type": "text", "text": "x".repeat(1_000_000)}});
    let text = prompt(&json!({"messages": [message]}), folder.path()).text;
    assert!((100_000..101_000).contains(&text.len()), "{}", text.len());
}

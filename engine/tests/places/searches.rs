//! What the shell hides is in no answer of a search.

use std::os::unix::fs::symlink;

use serde_json::json;

use crate::World;

#[test]
fn what_the_shell_hides_is_neither_found_nor_searched() {
    let mut world = World::new();
    for file in [
        "outside/keys/deep/a.txt",
        "outside/open/b.txt",
        "inside/token.txt",
        "inside/other.txt",
    ] {
        world.put(file, "the word\n");
    }
    symlink("../outside", world.path("inside/link")).unwrap();
    for folder in [".", "../outside", "link", "token.txt", "link/keys"] {
        for (tool, pattern) in [("grep", "word"), ("glob", "*.txt")] {
            let args = json!({"pattern": pattern, "path": folder});
            let answer = world.call(tool, args);
            let is_hidden = !answer.contains("a.txt") && !answer.contains("token.txt:");
            assert!(is_hidden, "{tool} in {folder}: {answer}");
            let shows = match folder {
                "." => "other.txt",
                "token.txt" | "link/keys" => "is kept from you",
                _ => "b.txt",
            };
            assert!(answer.contains(shows), "{tool} in {folder}: {answer}");
        }
    }
}

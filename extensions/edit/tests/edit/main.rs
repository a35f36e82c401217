//! What each pass finds, what it leaves alone, and what is refused.

mod large;
mod properties;
mod refused;
mod strict;
mod tools;
mod undone;

use corecoder_edit::{Edit, Edited, Pass, Refusal, edit};

/// One edit of a text.
fn replace(content: &str, old: &str, new: &str) -> Result<Edited, Refusal> {
    let edits = [Edit {
        old: old.to_string(),
        new: new.to_string(),
        all: false,
    }];
    edit(content, &edits)
}

/// A pass, and rows of content, old, new and the content that it must become.
fn check(pass: Pass, rows: &[[&str; 4]]) {
    for [content, old, new, wanted] in rows {
        match replace(content, old, new) {
            Ok(edited) => {
                assert_eq!(edited.content, *wanted, "for old {old:?}");
                assert_eq!(edited.passes, [pass], "for old {old:?}");
            }
            Err(refusal) => panic!("{old:?} in {content:?}: {refusal}"),
        }
    }
}

//! The page about the lines is what the types say.

use std::path::Path;

#[test]
fn the_page_in_docs_is_made_from_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/output.md");
    let page = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        page == corecoder_output::documentation(),
        "docs/output.md is not what the types say; make it again:\n\
         cargo run -p corecoder-output --example documentation > docs/output.md"
    );
}

#[test]
fn every_field_has_a_meaning() {
    let page = corecoder_output::documentation();
    let bare: Vec<&str> = page.lines().filter(|line| line.ends_with("|  |")).collect();
    assert_eq!(bare, [] as [&str; 0]);
}

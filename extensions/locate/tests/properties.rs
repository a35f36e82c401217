//! What holds for every input.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use corecoder_locate::cache::Cache;
use corecoder_locate::document::Reader;
use corecoder_locate::query::Query;
use corecoder_locate::source::{Entry, Folder, Source};
use corecoder_locate::weights::Weights;
use corecoder_locate::{Answer, Settings, locate, locate_in};
use proptest::collection::vec;
use proptest::prelude::*;

const ENDINGS: [&str; 10] = [
    "rs", "py", "go", "ts", "c", "java", "sh", "lua", "md", "bin",
];
const WORDS: [&str; 8] = [
    "flux",
    "fn flux() {",
    "// capacitor\n",
    "\n",
    "/* ",
    "class Flux:\n",
    "'''",
    "{ capacitor }",
];

/// Bytes, and pieces that mean something to a reader.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        (0..WORDS.len()).prop_map(|at| WORDS[at].as_bytes().to_vec()),
    ];
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// One change to a folder: which file, and its new content or none.
fn change() -> impl Strategy<Value = (u8, Option<Vec<u8>>)> {
    (0..6u8, proptest::option::weighted(0.8, content()))
}

fn apply(folder: &Path, change: &(u8, Option<Vec<u8>>)) {
    let path = folder.join(format!("f{}.{}", change.0, ENDINGS[change.0 as usize]));
    match &change.1 {
        Some(content) => fs::write(&path, content).expect("the file can be written"),
        // It may not be there.
        None => drop(fs::remove_file(path)),
    }
}

/// A folder whose files all look long settled, so that what was just written is kept. Stamps tell contents apart.
struct Settled(Folder);

impl Source for Settled {
    fn list(&self) -> Vec<Entry> {
        let mut entries = self.0.list();
        for entry in &mut entries {
            let content = self.0.read(entry).unwrap_or_default();
            let mut hasher = DefaultHasher::new();
            hasher.write(&content);
            entry.stamp = [content.len() as u64, 0, 0, hasher.finish()];
        }
        entries
    }

    fn read(&self, entry: &Entry) -> Option<Vec<u8>> {
        self.0.read(entry)
    }

    fn head(&self) -> Option<String> {
        None
    }

    fn log(&self, _commits: usize) -> Option<String> {
        None
    }
}

fn ask(folder: &Path, cache: Option<&Path>) -> Answer {
    let source = Settled(Folder::new(folder));
    let cache = cache.map(|cache| Cache::new(cache, folder));
    locate(
        "flux `capacitor` in Flux",
        &source,
        cache.as_ref(),
        &Settings::default(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_content_is_a_reason_to_panic(bytes in content(), ending in 0..ENDINGS.len(), question in ".{0,200}") {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join(format!("a.{}", ENDINGS[ending])), &bytes).expect("the file can be written");
        let answer = locate_in(&question, folder.path(), &Settings::default());
        answer.text("");
        answer.json();
    }

    #[test]
    fn a_cached_answer_is_the_fresh_one_after_any_edits(changes in vec(change(), 1..12)) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let cache = tempfile::tempdir().expect("a folder can be made");
        for change in &changes {
            apply(folder.path(), change);
            prop_assert_eq!(ask(folder.path(), Some(cache.path())), ask(folder.path(), None));
        }
    }

    #[test]
    fn a_document_counts_each_word_once(bytes in content(), ending in 0..ENDINGS.len() - 1) {
        let path = format!("a.{}", ENDINGS[ending]);
        let mut reader = Reader::new();
        let first = reader.read(&path, &bytes);
        prop_assert!(first.terms.is_sorted_by(|one, other| one.0 < other.0));
        // What it remembers of one file must not show in the next.
        reader.read("b.rs", b"fn flux() { capacitor() }");
        prop_assert_eq!(reader.read(&path, &bytes), first);
    }

    #[test]
    fn any_text_is_a_question(text in any::<String>()) {
        let query = Query::new(&text, &Weights::default());
        prop_assert!(query.terms().is_sorted_by(|one, other| one < other));
    }
}

#[test]
fn a_broken_cache_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let cache = tempfile::tempdir().expect("a folder can be made");
    for at in 0..6 {
        apply(
            folder.path(),
            &(at, Some(b"fn flux() { capacitor() }\n".to_vec())),
        );
    }
    let fresh = ask(folder.path(), None);
    assert_eq!(ask(folder.path(), Some(cache.path())), fresh);
    let kept = fs::read_dir(cache.path()).expect("it was made").flatten();
    let kept = kept
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "files"));
    let kept = kept.expect("settled files are kept");
    let whole = fs::read(&kept).expect("it can be read");
    assert!(whole.len() > 200);
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        fs::write(&kept, &broken).expect("it can be written");
        assert_eq!(ask(folder.path(), Some(cache.path())), fresh, "byte {at}");
        fs::write(&kept, &whole[..at]).expect("it can be written");
        assert_eq!(ask(folder.path(), Some(cache.path())), fresh, "cut at {at}");
    }
}

//! Words as terms: what meets, and what does not.

use corecoder_locate::tokens::{hash, parts, stem, terms, words};

fn split(word: &str) -> Vec<String> {
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    parts(word.as_bytes()).map(text).collect()
}

#[test]
fn words_of_code_fall_into_the_parts_people_see() {
    let rows: [(&str, &[&str]); 16] = [
        ("", &[]),
        ("word", &["word"]),
        ("readLine", &["read", "Line"]),
        ("ReadLine", &["Read", "Line"]),
        ("read_line", &["read", "line"]),
        ("READ_LINE", &["READ", "LINE"]),
        ("HTTPServer", &["HTTP", "Server"]),
        ("parseHTTP", &["parse", "HTTP"]),
        ("utf8", &["utf", "8"]),
        ("x86_64", &["x", "86", "64"]),
        ("__init__", &["init"]),
        ("_", &[]),
        ("aB", &["a", "B"]),
        ("ABc", &["A", "Bc"]),
        ("größe", &["größe"]),
        ("E0308", &["E", "0308"]),
    ];
    for (word, expected) in rows {
        assert_eq!(split(word), expected, "{word}");
    }
}

#[test]
fn forms_of_a_word_have_one_stem() {
    let rows: [&[&str]; 12] = [
        &["file", "files", "File"],
        &["parse", "parses", "parsed", "parsing"],
        &["match", "matched", "matching"],
        &["run", "runs", "running"],
        &["query", "queries"],
        &["cache", "caches", "cached", "caching"],
        &["class"],
        &["fill", "fills", "filled", "filling"],
        &["line", "lines", "lined"],
        &["stop", "stops", "stopped", "stopping"],
        &["pass", "passed", "passing"],
        &["index", "indexed", "indexing"],
    ];
    for forms in rows {
        let first = stem(forms[0].as_bytes());
        for form in forms {
            assert_eq!(stem(form.as_bytes()), first, "{form}");
        }
    }
    let different = ["class", "string", "thing", "bed", "red", "is", "bus"];
    for (at, one) in different.iter().enumerate() {
        for other in &different[at + 1..] {
            assert_ne!(
                stem(one.as_bytes()),
                stem(other.as_bytes()),
                "{one} {other}"
            );
        }
    }
}

#[test]
fn an_identifier_is_its_parts_its_neighbours_and_its_whole() {
    let mut found = Vec::new();
    terms(b"readLineNumber", |term| found.push(term));
    let expected = [
        hash(&[b"read"]),
        hash(&[b"lin"]),
        hash(&[b"number"]),
        hash(&[b"read", b"lin"]),
        hash(&[b"lin", b"number"]),
        hash(&[b"read", b"lin", b"number"]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn spellings_of_one_name_are_the_same_terms() {
    let of = |word: &str| {
        let mut found = Vec::new();
        terms(word.as_bytes(), |term| found.push(term));
        found
    };
    for spelling in [
        "line_number",
        "LineNumber",
        "LINE_NUMBER",
        "lineNumbers",
        "line_Number",
    ] {
        assert_eq!(of(spelling), of("lineNumber"), "{spelling}");
    }
}

#[test]
fn words_end_where_no_letter_follows() {
    let text = "let x1 = foo_bar(größe, 42); // don't";
    let found: Vec<&str> = words(text.as_bytes())
        .map(|(start, word)| {
            assert_eq!(&text.as_bytes()[start..start + word.len()], word);
            std::str::from_utf8(word).expect("the text is cut at ASCII")
        })
        .collect();
    assert_eq!(found, ["let", "x1", "foo_bar", "größe", "42", "don", "t"]);
}

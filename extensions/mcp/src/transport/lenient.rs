//! JSON as some servers write it: half of a surrogate pair where a text was cut (JavaScript), `NaN` (Python), bytes that are
//! no UTF-8. One such letter must not cost a whole list of tools.

/// The same with what JSON does not know replaced. What is JSON stays as it is.
pub fn mended(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut rest = line.as_ref();
    let mut mended = String::with_capacity(rest.len());
    let mut in_text = false;
    while let Some(first) = rest.chars().next() {
        let (taken, put) = match (in_text, first) {
            (true, '\\') => escape(rest),
            (false, 'N' | 'I' | '-') => number(rest),
            _ => (first.len_utf8(), None),
        };
        in_text ^= first == '"';
        mended += put.unwrap_or(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended
}

/// How long an escape is, and what stands for it if it is half of a pair.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let second = text.chars().nth(1).map_or(0, char::len_utf8);
    match (unit(0), unit(6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
        (Some(0xd800..=0xdfff), _) => (6, Some("\\ufffd")),
        (Some(_), _) => (6, None),
        (None, _) => (1 + second, None),
    }
}

fn number(text: &str) -> (usize, Option<&'static str>) {
    let known = ["NaN", "Infinity", "-Infinity"];
    match known.iter().find(|known| text.starts_with(**known)) {
        Some(known) => (known.len(), Some("null")),
        None => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::mended;

    #[test]
    fn one_odd_letter_costs_nothing_else() {
        let line = b"{\"a\": \"cut \\ud83d\", \"b\": [NaN, -Infinity, -1], \"c\": \"NaN \\\\ud83d \\\" \xff\", \"d\": \"\\ud83d\\ude00\"}";
        let read: Value = serde_json::from_str(&mended(line)).unwrap();
        let expected = json!({
            "a": "cut \u{fffd}", "b": [null, null, -1], "c": "NaN \\ud83d \" \u{fffd}", "d": "😀",
        });
        assert_eq!(read, expected);
    }

    proptest! {
        #[test]
        fn what_is_json_stays_as_it_is(text in ".*", number in any::<i64>()) {
            let line = json!({text.clone(): [text, number, null, "\\ud800", "\u{1F600}\""]}).to_string();
            prop_assert_eq!(mended(line.as_bytes()), line);
        }

        #[test]
        fn no_bytes_are_a_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), escapes in "[\\\\ud8c\"NI-]{0,30}") {
            mended(&bytes);
            mended(escapes.as_bytes());
        }
    }
}

//! Words of code as terms: `readLineNumber` is the words read, line and number, the pairs read line and line number,
//! and the whole.
//!
//! A term is the hash of stemmed, lower-case words written together, so `line_number`, `LineNumber` and the "line
//! numbers" of a sentence meet. Text and query go through the same functions, which is the one invariant.
//! Left out: words of languages that are written without blanks; a run of their letters is one word.

/// A stemmed word or several written together, hashed. Stable between runs, since caches keep it.
pub type Term = u32;

/// The most bytes of a word that are looked at; what is longer is data.
const WORD: usize = 64;

/// The words of a text with their places: runs of letters, digits and `_`.
pub fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() && !in_word(text[at]) {
            at += 1;
        }
        let start = at;
        while at < text.len() && in_word(text[at]) {
            at += 1;
        }
        (start < at).then(|| (start, &text[start..at]))
    })
}

/// Whether a byte is part of a word. Bytes above ASCII are letters, whatever the encoding says of them.
pub fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Names each term of a word: its parts, each pair of neighbours among them, and the whole.
pub fn terms(word: &[u8], mut each: impl FnMut(Term)) {
    let word = &word[..word.len().min(WORD)];
    let parts: Vec<Vec<u8>> = parts(word).map(stem).collect();
    for part in &parts {
        if part.len() > 1 {
            each(hash(&[part]));
        }
    }
    if parts.len() > 2 {
        for pair in parts.windows(2) {
            each(hash(&[&pair[0], &pair[1]]));
        }
    }
    if parts.len() > 1 {
        let whole: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        each(hash(&whole));
    }
}

/// The parts of a word: `HTTPServer2_name` is HTTP, Server, 2 and name.
pub fn parts(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = word;
    std::iter::from_fn(move || {
        while let [b'_', tail @ ..] = rest {
            rest = tail;
        }
        let (part, tail) = rest.split_at(part_length(rest));
        rest = tail;
        (!part.is_empty()).then_some(part)
    })
}

fn part_length(word: &[u8]) -> usize {
    let run = |from: usize, is: fn(u8) -> bool| {
        let rest = word[from..].iter();
        from + rest.take_while(|byte| is(**byte)).count()
    };
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte >= 0x80;
    match word.first() {
        None => 0,
        Some(first) if first.is_ascii_digit() => run(0, |byte| byte.is_ascii_digit()),
        Some(first) if first.is_ascii_uppercase() => {
            let upper = run(0, |byte| byte.is_ascii_uppercase());
            match word.get(upper) {
                // The last capital of `HTTPServer` begins the next word.
                Some(next) if lower(*next) && upper > 1 => upper - 1,
                _ => run(upper, lower),
            }
        }
        Some(_) => run(0, lower),
    }
}

/// A word in lower case without the endings that English gives its forms: `parses`, `parsing` and `parsed` are `pars`.
pub fn stem(word: &[u8]) -> Vec<u8> {
    let mut word = word.to_ascii_lowercase();
    let length = word.len();
    if length > 4 && word.ends_with(b"ies") {
        word.truncate(length - 3);
        word.push(b'y');
    } else if length > 3 && word.ends_with(b"s") && !word.ends_with(b"ss") {
        word.pop();
    }
    let length = word.len();
    if length > 5 && word.ends_with(b"ing") {
        word.truncate(length - 3);
        undouble(&mut word);
    } else if length > 4 && word.ends_with(b"ed") {
        word.truncate(length - 2);
        undouble(&mut word);
    } else if length > 3 && word.ends_with(b"e") {
        word.pop();
    }
    word
}

/// `runn` of `running` is `run`, but `fill` stays what `fill` is.
fn undouble(word: &mut Vec<u8>) {
    if let [.., before, last] = word[..]
        && before == last
        && !matches!(last, b'l' | b's' | b'e' | b'o' | b'z')
    {
        word.pop();
    }
}

/// FNV-1a over words written together.
pub fn hash(words: &[&[u8]]) -> Term {
    let bytes = words.iter().flat_map(|word| word.iter());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

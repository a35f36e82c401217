//! Brace lists such as `a{b,c}`.
//!
//! The idea: the first list that closes is replaced by each of its items, again and again.
//! The invariant: no word becomes more than [`MAX_BRACES`] words; it stays as it is then.
//! Left out: ranges such as `{1..3}`.

/// Braces may not multiply the line beyond this.
const MAX_BRACES: usize = 64;

/// Expands `a{b,c}` to `ab` and `ac`; ranges such as `{1..3}` stay as they are.
pub(super) fn expand_braces(source: &str) -> Vec<String> {
    let mut todo = vec![source.to_owned()];
    let mut done = Vec::new();
    while let Some(word) = todo.pop() {
        let Some(marks) = find_braces(&word) else {
            done.push(word);
            continue;
        };
        if todo.len() + done.len() + marks.len() > MAX_BRACES {
            return vec![source.to_owned()];
        }
        let (prefix, suffix) = (&word[..marks[0]], &word[marks[marks.len() - 1] + 1..]);
        let items = marks
            .windows(2)
            .rev()
            .map(|pair| &word[pair[0] + 1..pair[1]]);
        todo.extend(items.map(|item| format!("{prefix}{item}{suffix}")));
    }
    done
}

/// The places of `{`, of each `,` and of `}` in the first brace list that closes.
fn find_braces(word: &str) -> Option<Vec<usize>> {
    let mut open: Vec<Vec<usize>> = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in word.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(mark), _) if mark == character => quote = None,
            (Some('"') | None, '\\') => escaped = true,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => open.push(vec![index]),
            (None, ',') => open.last_mut()?.push(index),
            (None, '}') => {
                let mut marks = open.pop().unwrap_or_default();
                if marks.len() > 1 && !word[..marks[0]].ends_with('$') {
                    marks.push(index);
                    return Some(marks);
                }
            }
            _ => {}
        }
    }
    None
}

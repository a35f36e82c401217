//! Which words of two lines differ.

use imara_diff::{Algorithm, Diff, InternedInput};
use unicode_segmentation::UnicodeSegmentation;

use crate::style::{Line, Style};

/// Longer lines, in bytes, are shown without.
const LONG: usize = 2000;

/// The old and the new line, each in its style, with the words that differ emphasised. None if they share less than a
/// third: then they are two lines rather than one that changed.
pub(crate) fn compare(old: &str, new: &str, styles: [Style; 2]) -> Option<[Line; 2]> {
    if old.len().max(new.len()) > LONG {
        return None;
    }
    let mut input: InternedInput<&str> = InternedInput::default();
    input.update_before(old.split_word_bounds());
    input.update_after(new.split_word_bounds());
    let diff = Diff::compute(Algorithm::Myers, &input);
    let old = Words::new(old, |at| diff.is_removed(at));
    let new = Words::new(new, |at| diff.is_added(at));
    let alike = old.shared() > 0 && old.shared() * 3 >= old.length().max(new.length());
    alike.then(|| [old.line(styles[0]), new.line(styles[1])])
}

/// The words of a line, and whether each differs.
struct Words<'a>(Vec<(&'a str, bool)>);

impl<'a> Words<'a> {
    fn new(text: &'a str, differs: impl Fn(u32) -> bool) -> Words<'a> {
        let words = (0u32..).zip(text.split_word_bounds());
        Words(words.map(|(at, word)| (word, differs(at))).collect())
    }

    /// Bytes of all words; spaces do not count, of which any two lines have some in common.
    fn length(&self) -> usize {
        self.0.iter().map(|(word, _)| word.trim().len()).sum()
    }

    fn shared(&self) -> usize {
        let same = self.0.iter().filter(|(_, differs)| !differs);
        same.map(|(word, _)| word.trim().len()).sum()
    }

    fn line(&self, style: Style) -> Line {
        let mut line = Line::default();
        for (word, reverse) in &self.0 {
            let reverse = *reverse;
            line.push(word, Style { reverse, ..style });
        }
        line
    }
}

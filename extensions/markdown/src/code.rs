//! Code as it is shown by itself, such as a preview of a file.

use crate::Look;
use crate::clean::clean;
use crate::highlight::Painter;

/// The lines of `text`, highlighted if `look` has colour and the language is known.
///
/// `language` is the word of a code fence, a file's extension or its name. Lines that are longer than the width are
/// wrapped; those over 2,000 characters are not highlighted.
pub fn code(text: &str, language: &str, look: Look) -> Vec<String> {
    let look = look.sound();
    let mut painter = Painter::new(language, look.colour);
    let text = clean(text);
    let rows = text
        .lines()
        .flat_map(|line| painter.line(line).rows(look.width));
    rows.map(|row| row.paint(look.colour)).collect()
}

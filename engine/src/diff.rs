//! What changed in a text, as the model and the user see it: changed lines with three lines around them.

use imara_diff::{Algorithm, Diff, InternedInput};

/// Unchanged lines shown on either side of a change.
const AROUND: usize = 3;

/// The difference in the unified form, of at most `limit` bytes; each `@@` says the line in the old and the new text.
pub fn diff(before: &str, after: &str, limit: usize) -> String {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let hunks: Vec<_> = diff.hunks().collect();
    let (mut out, mut shown) = (String::new(), 0);
    for (at, hunk) in hunks.iter().enumerate() {
        let (start, end) = (hunk.before.start as usize, hunk.before.end as usize);
        let (new_start, new_end) = (hunk.after.start as usize, hunk.after.end as usize);
        let lead = start.saturating_sub(AROUND).max(shown);
        if at == 0 || lead > shown {
            out += &format!("@@ -{} +{} @@\n", lead + 1, new_start + lead + 1 - start);
        }
        let next = hunks
            .get(at + 1)
            .map_or(old.len(), |next| next.before.start as usize);
        shown = (end + AROUND).min(next);
        let mut show = |mark: char, lines: &[&str]| {
            lines
                .iter()
                .for_each(|line| out += &format!("{mark}{line}\n"));
        };
        show(' ', &old[lead..start]);
        show('-', &old[start..end]);
        show('+', &new[new_start..new_end]);
        show(' ', &old[end..shown]);
        if out.len() > limit {
            let kept = crate::wire::text::head(&out, limit).trim_end();
            return format!("{kept}\n[the rest of the diff is left out]\n");
        }
    }
    out
}

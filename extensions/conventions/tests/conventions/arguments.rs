//! `$ARGUMENTS`, `$1` and their like, in commands and skills.

use corecoder_conventions::commands;

use crate::World;

/// Checks what a command with this text sends when it is called with `args`.
#[track_caller]
fn check(text: &str, args: &str, expected: &str) {
    let world = World::new(&[("home/.claude/commands/it.md", text)]);
    let commands = commands(&world.at("project"));
    let sent = commands.find("it").unwrap().invoke(args);
    assert_eq!(sent.as_deref(), Ok(expected), "{text:?} with {args:?}");
}

#[test]
fn arguments_stand_where_the_text_wants_them() {
    check("Do it", "", "Do it");
    check("Do it", "  ", "Do it");
    check(
        "Do it",
        " now  and here ",
        "Do it\n\nArguments: now  and here",
    );
    check("Do $ARGUMENTS", "a \"b c\"", "Do a \"b c\"");
    check("Do $ARGUMENTS.", "", "Do .");
    check("$ARGUMENTS and $ARGUMENTS", "x", "x and x");
    check("#$1 as $2", "12 high", "#12 as high");
    check("$2, $1", "a b c", "b, a");
    check("($1)", "\"two words\" b", "(two words)");
    check("$1 | $ARGUMENTS", "a b", "a | a b");
    check("$9", "1 2 3 4 5 6 7 8 nine", "nine");
    check("$1", "ä€", "ä€");
}

#[test]
fn a_word_that_was_not_given_leaves_its_place() {
    check("$1 and $2", "a", "a and $2");
    check("$1", "", "$1");
}

#[test]
fn a_quote_that_is_not_closed_is_a_letter() {
    check("$1 / $2", "don't stop", "don't / stop");
}

#[test]
fn what_only_looks_like_a_place_is_text() {
    check("costs $100", "", "costs $100");
    for text in [
        "$10",
        "$1.50",
        "$1,000",
        "$ARGUMENTS_FILE",
        "$HOME",
        "$",
        "$a",
        "\\$1",
        "\\$ARGUMENTS",
    ] {
        check(text, "x y", &format!("{text}\n\nArguments: x y"));
    }
    check("awk '{print \\$1}' $ARGUMENTS", "f", "awk '{print \\$1}' f");
}

#[test]
fn a_text_with_a_zeroth_word_counts_from_zero() {
    check("$0 and $1", "a b", "a and b");
    check("$ARGUMENTS[0] and $ARGUMENTS[1]", "a b", "a and b");
    check("$1 and $ARGUMENTS[1]", "a b", "a and b");
    check("$ARGUMENTS[2]", "a b", "$ARGUMENTS[2]");
    check("$ARGUMENTS[x]", "a b", "a b[x]");
}

#[test]
fn what_is_put_in_is_not_looked_at_again() {
    check("$1 $2", "$2 b", "$2 b");
    check("$ARGUMENTS", "$1 $ARGUMENTS", "$1 $ARGUMENTS");
}

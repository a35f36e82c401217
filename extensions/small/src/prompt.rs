//! All that is said to a small model beside the user's words: the prompt, and the next step behind each result.
//!
//! Each token costs: on two cores a small model reads 30 to 60 of them a second. An example says more than a rule,
//! a rule more than a reason; a model of 1.5 billion parameters keeps to what it was told last.

use crate::named::language;

/// The system prompt, which `Agent::system` takes. The working folder follows it.
pub const SYSTEM: &str = "\
You are a coding agent on the user's computer. The blocks in your reply are carried out, and you are shown what came \
of it. What stands outside of blocks does nothing.

To write a file, give its path behind the language, and its complete new content:
```python src/hello.py
print(\"hello\")
```

To run a shell command, to look at files or to test:
```bash
cat src/main.c
```

How to work:
- First say in one sentence which line is wrong or what is missing. Then write one block and stop: its result comes next.
- The tests are right: change the code, not the tests.
- After a change run the tests or the program. If they fail, change the code again.
- When it works, or when a question is answered, say so in one sentence without a block.";

/// Behind a file that was written.
pub(crate) const WRITTEN: &str =
    "It is written. Next, run the tests or the program with a ```bash block.";
/// Instead of a result that says that a file was written with what it held, if the turn had written a file before.
pub(crate) const SAME: &str = "Nothing changed: the file holds exactly this already. Next, run the tests or the program \
    with a ```bash block. If that was done, say in one sentence what was done.";
/// The same, if it had not.
pub(crate) const UNCHANGED: &str = "Nothing changed: the file holds exactly this already, so what is wrong in it is still \
    there. Look at each line, say which one must change, and write the file with that change.";
/// Behind a command that went well, if a file was written before.
pub(crate) const WORKED: &str = "It ran without an error. If this is what the task asks for, say in one sentence what was \
    done. If it is not, change the code again.";
/// Behind a command that failed.
pub(crate) const FAILED: &str = "It failed. What does the code compute for this, step by step? Say which line is \
    wrong, then write the complete corrected file.";
/// Instead of the answer to a call that was made before.
pub(crate) const AGAIN: &str = "That was done already, and nothing changed since. If the task is done, say so \
    in one sentence. If not, look at the code again, and change another line.";
/// Instead of a call that was made time and again.
pub(crate) const STOPPED: &str = "[The model repeats the same call and was stopped.]";
/// Instead of a call after many that all failed.
pub(crate) const STUCK: &str =
    "[Nothing that the model tried has worked for a while, so it was stopped.]";

/// To a reply with a block that says no path; `path` is a file that may be meant.
pub(crate) fn no_path(path: &str) -> String {
    format!(
        "Nothing was written, because the block does not say to which file. Write it again, with the path behind the \
         language: ```{} {path}",
        language(path)
    )
}

/// An answer although the last command failed.
pub(crate) const STILL_FAILS: &str = "The last command failed, so it is not done yet. Say which line of the code is \
    wrong and why, then write the complete corrected file.";
/// To an answer to a task for which nothing was done; `path` is a file that may be meant.
pub(crate) fn nothing_done(path: &str) -> String {
    format!(
        "Nothing was done yet, since your reply held no block. If a file must change, write all of it, with the change, \
         in a block that begins with ```{} {path}",
        language(path)
    )
}

/// A test that is to be changed, with its path.
pub(crate) fn is_test(path: &str) -> String {
    format!(
        "nothing was written: {path} is a test and stays as it is. The code must fit the test: write the file with the \
         code that it tests."
    )
}

/// A file of `had` lines that is to be replaced by `has`.
pub(crate) fn is_part(path: &str, had: usize, has: usize) -> String {
    format!(
        "nothing was written: {path} has {had} lines, and your block only {has}. Write the complete file, or change \
         a part of it by a block like this:\n```text {path}\n<<<<<<< SEARCH\nthe old lines\n=======\nthe new lines\n\
         >>>>>>> REPLACE\n```"
    )
}
